import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { healthV1 } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import { toServiceError } from './failures/to-service-error';

type Request = healthV1.HealthCheckRequest;
type Response = healthV1.HealthCheckResponse;

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = healthV1.HealthCheckResponse_ServingStatus;
const SERVICES: ReadonlySet<string> = new Set([
  '',
  'millrace.agent.v1.AgentService',
  'millrace.blob.v1.BlobService',
  'millrace.run.v1.RunService',
]);

/** The service grpc.health.v1. It needs no token, because load balancers and ordinary probes call it. */
@Injectable()
export class HealthServiceAdapter {
  private serving = true;
  private readonly watchers = new Set<ServerWritableStream<Request, Response>>();

  readonly check: handleUnaryCall<Request, Response> = (call, callback) => {
    if (SERVICES.has(call.request.service)) return callback(null, { status: this.status() });
    const message = `there is no service "${call.request.service}"`;
    callback(toServiceError(new AppError({ code: 'HEALTH.SERVICE_UNKNOWN', kind: 'not_found', message })));
  };

  readonly watch: handleServerStreamingCall<Request, Response> = (call) => {
    if (!SERVICES.has(call.request.service)) return void call.write({ status: SERVICE_UNKNOWN });
    call.write({ status: this.status() });
    this.watchers.add(call);
    call.once('cancelled', () => this.watchers.delete(call));
    call.once('close', () => this.watchers.delete(call));
  };

  /** Reports from now on that the server takes no new work. Called before it closes, so that clients go elsewhere. */
  stopServing(): void {
    this.serving = false;
    for (const call of this.watchers) {
      call.write({ status: NOT_SERVING });
      call.end();
    }
    this.watchers.clear();
  }

  private status(): healthV1.HealthCheckResponse_ServingStatus {
    return this.serving ? SERVING : NOT_SERVING;
  }
}
