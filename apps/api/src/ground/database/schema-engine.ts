import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm' with { 'resolution-mode': 'import' };
import { SchemaAdapter } from './schema-adapter';

/** The schema has no table or enum that is maintained elsewhere. */
export const NO_FILTERS = { externalTables: [], externalEnums: [] };

type Glue = typeof import('@prisma/schema-engine-wasm/schema_engine_bg', { with: { 'resolution-mode': 'import' } });

/** Node has WebAssembly, but TypeScript declares it only for browsers. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

let loaded: Promise<Glue> | undefined;

/** Loads Prisma's schema engine as WebAssembly while `work` runs: the native engine would have to be downloaded. */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  schema: string,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  loaded ??= loadEngine();
  const { SchemaEngine } = await loaded;
  const adapter = new SchemaAdapter(databaseUrl);
  try {
    const bound = bindMigrationAwareSqlAdapterFactory(adapter);
    return await work(
      await SchemaEngine.new({ datamodels: [['prisma/schema.prisma', schema]] }, () => undefined, bound),
    );
  } finally {
    await adapter.close();
  }
}

/**
 * Loads the parts of the engine one by one, because the package's own entry imports the .wasm file as a module, which
 * Node 20 cannot do.
 */
async function loadEngine(): Promise<Glue> {
  const name = '@prisma/schema-engine-wasm/schema_engine_bg';
  const glue: Glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = readFileSync(createRequire(__filename).resolve(name).replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  const start = instance.exports['__wbindgen_start'];
  if (typeof start === 'function') start();
  return glue;
}
