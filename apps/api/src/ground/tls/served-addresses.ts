import { Injectable } from '@nestjs/common';
import { assert } from '@millrace/core';
import { ApiConfig } from '../config/api-config';

/** Under which addresses others reach this API. */
@Injectable()
export class ServedAddresses {
  private grpcPort: number | undefined;

  constructor(private readonly config: ApiConfig) {}

  /** Told by the gRPC server once it listens. */
  grpcListens(port: number): void {
    this.grpcPort = port;
  }

  /** host:port of gRPC for a caller that reached HTTP under `host` (a Host header). */
  grpcFor(host: string): string {
    assert(this.grpcPort !== undefined, 'the gRPC server has not started');
    // A Host header without its port; IPv6 addresses keep their brackets.
    const name = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d+)?$/.exec(host)?.[1] ?? this.localHost;
    return `${name}:${this.grpcPort}`;
  }

  /** Under which this machine itself reaches what listens: the address that is bound, if it is one. */
  get localHost(): string {
    const { host } = this.config;
    if (host === '0.0.0.0') return '127.0.0.1';
    if (host === '::') return '[::1]';
    return host.includes(':') ? `[${host}]` : host;
  }

  /** What an agent's command needs beside the address to trust it. */
  get trustOption(): string {
    if (this.config.tls === undefined) return '';
    // `system`: the certificate was given, and is taken to be one that machines trust anyway.
    return this.config.tls.made ? ' --ca ca.pem' : ' --ca system';
  }
}
