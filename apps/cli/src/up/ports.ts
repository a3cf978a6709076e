import { createServer } from 'node:net';
import { portTaken } from './up.errors';

/**
 * Finds a port on 127.0.0.1 that is free now: `wanted`, or any port if `wanted` is 0. `flag` is the option that the
 * error names.
 */
export function freePort(wanted: number, flag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => reject(portTaken(wanted, flag)));
    server.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : wanted;
      server.close(() => resolve(port));
    });
  });
}
