import { readFileSync } from 'node:fs';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { type ChannelOptions, credentials } from '@grpc/grpc-js';
import { isLoopback, splitHostPort } from '@millrace/core';
import { authorityUnreadable } from '../config/config.errors';

/** A message is at most a 4 MiB part and its header. */
const MESSAGE_BYTES_MAX = 5 * 2 ** 20;

/**
 * Options of calls to the API. A proxy that the shell's environment names is not used for an address on this machine.
 */
export function channelOptions(address: string): ChannelOptions {
  return isLoopback(splitHostPort(address).host)
    ? { ...CHANNEL_OPTIONS, 'grpc.enable_http_proxy': 0 }
    : CHANNEL_OPTIONS;
}

/** HTTP/2 windows as large as a message: with the default of 64 KiB a stream reaches half the speed. */
const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc-node.flow_control_window': 4 * 2 ** 20,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  // grpc-js need not wait long: the owner of a call paces its reconnections.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
};

/**
 * TLS when a certificate authority is configured (`system` means those that this machine trusts), else plain text.
 * Throws AGENT.CA_UNREADABLE.
 */
export function channelCredentials(caPath: string | undefined): ChannelCredentials {
  if (caPath === undefined) return credentials.createInsecure();
  return caPath === 'system' ? credentials.createSsl() : credentials.createSsl(readAuthority(caPath));
}

export function readAuthority(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw authorityUnreadable(path, error);
  }
}
