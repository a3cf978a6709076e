import { readFile } from 'node:fs/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { assert } from '@millrace/core';
import { ApiConfig } from '../../ground/config/api-config';
import { ServedAddresses } from '../../ground/tls/served-addresses';
import { portTaken } from './grpc.errors';
import { GrpcServices } from './grpc-services';
import { CallLimits } from './limits/call-limits';

const MIB = 1024 ** 2;

/** Both ends send keepalives: if a router forgets an idle connection, the agent and the API must notice it. */
const OPTIONS = {
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Blocks come in pieces, and long messages of a session travel in parts. Agents of earlier versions, which know no
  // parts, send up to 5 MiB at once. The longest answers are pages of runs with their specs.
  'grpc.max_receive_message_length': 8 * MIB,
  'grpc.max_send_message_length': 256 * MIB,
  'grpc-node.flow_control_window': 4 * MIB,
};
/** At shutdown, calls get this long to end. */
const SHUTDOWN_MS = 2_000;

/** The gRPC server, which listens from the start of the application to its end. */
@Injectable()
export class GrpcServer implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly server: Server;
  private port: number | undefined;

  constructor(
    private readonly config: ApiConfig,
    private readonly services: GrpcServices,
    private readonly addresses: ServedAddresses,
    limits: CallLimits,
  ) {
    this.server = new Server({ ...OPTIONS, interceptors: [limits.interceptor] });
  }

  /** The host:port at which agents reach it; known only after the application has started. */
  get address(): string {
    assert(this.port !== undefined, 'the gRPC server has not started');
    return `${this.addresses.localHost}:${this.port}`;
  }

  async onApplicationBootstrap(): Promise<void> {
    this.services.addTo(this.server);
    const { host, grpcPort } = this.config;
    const address = `${host.includes(':') ? `[${host}]` : host}:${grpcPort}`;
    const credentials = await this.credentials();
    this.port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(address, credentials, (error, port) =>
        error ? reject(portTaken(address, error)) : resolve(port),
      );
    });
    this.addresses.grpcListens(this.port);
  }

  /** Nest calls this hook first at the end, while the database can still be used. */
  async onModuleDestroy(): Promise<void> {
    await this.services.close();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.server.forceShutdown();
        resolve();
      }, SHUTDOWN_MS);
      this.server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private async credentials(): Promise<ServerCredentials> {
    const { tls } = this.config;
    if (tls === undefined) return ServerCredentials.createInsecure();
    const [cert, key] = await Promise.all([readFile(tls.cert), readFile(tls.key)]);
    return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
  }
}
