import type { Plugin } from 'vite';

/** `randomBytes` of Node's crypto, on what browsers have. */
const CRYPTO = 'export const randomBytes = (count) => globalThis.crypto.getRandomValues(new Uint8Array(count));';
/** Modules of types and codecs; `descriptors`, a text beside them, is dropped by itself since nothing here uses it. */
const GRPC = /[\\/]contracts[\\/]src[\\/]generated[\\/]grpc[\\/](grpc|millrace)[\\/]/;

/**
 * What our libraries import that no browser has: gRPC's generated types are for API and agents and stay out, and ids
 * take their randomness from the browser.
 */
export function browserModules(): Plugin {
  return {
    name: 'millrace-browser-modules',
    enforce: 'pre',
    resolveId: (id) => (id === 'node:crypto' ? '\0browser-crypto' : undefined),
    load(id) {
      if (id === '\0browser-crypto') return CRYPTO;
      return GRPC.test(id) ? 'export {};' : undefined;
    },
  };
}
