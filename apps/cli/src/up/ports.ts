import { createServer } from 'node:net';
import { portTaken } from './up.errors';

/** A port on 127.0.0.1 that is free now: `wanted`, or any where `wanted` is 0. `flag`: the option, for the error. */
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
