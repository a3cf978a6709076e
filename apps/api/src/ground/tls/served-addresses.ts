import { Injectable } from '@nestjs/common';
import { assert } from '@millrace/core';
import { ApiConfig } from '../config/api-config';

/** The addresses at which others reach this API. */
@Injectable()
export class ServedAddresses {
  private grpcPort: number | undefined;

  constructor(private readonly config: ApiConfig) {}

  /** Called by the gRPC server once it listens. */
  grpcListens(port: number): void {
    this.grpcPort = port;
  }

  /** The host:port of gRPC for a caller that reached HTTP at `host` (a Host header). */
  grpcFor(host: string): string {
    assert(this.grpcPort !== undefined, 'the gRPC server has not started');
    // The Host header without its port; IPv6 addresses keep their brackets.
    const name = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d+)?$/.exec(host)?.[1] ?? this.localHost;
    return `${name}:${this.grpcPort}`;
  }

  /** The name by which this machine itself reaches what listens: the address that is bound, if it is a single one. */
  get localHost(): string {
    const { host } = this.config;
    if (host === '0.0.0.0') return '127.0.0.1';
    if (host === '::') return '[::1]';
    return host.includes(':') ? `[${host}]` : host;
  }

  /** The option that an agent's command needs besides the address, so that the agent trusts this API. */
  get trustOption(): string {
    if (this.config.tls === undefined) return '';
    // With `system`, the certificate was given, and machines are assumed to trust it anyway.
    return this.config.tls.made ? ' --ca ca.pem' : ' --ca system';
  }
}
