import type { handleUnaryCall, Metadata } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import { parseRunSpec, type runV1 } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { LOGGER } from '../../../ground/config/api-logger';
import { bodyTooLarge } from '../../../ground/http/boundary.errors';
import { DocumentReader } from '../../../ground/documents/document-reader';
import { DOCUMENT_BYTES_MAX } from '../../../ground/documents/document.interceptor';
import { parseQuery } from '../../../ground/http/parse-query';
import { failedCall } from '../failures/failed-call';
import { RunLookup } from '../../../ledger/runs/run-lookup';
import { RunActionsService } from '../../../requests/runs/run-actions.service';
import { runListQuerySchema, RunsService } from '../../../requests/runs/runs.service';
import { RunAccess } from './run-access';
import { runMessage } from './run-message';
import { RunWatchesService } from './run-watches.service';

/** RunService over gRPC: it offers the REST calls about runs. */
@Injectable()
export class RunServiceAdapter {
  constructor(
    private readonly access: RunAccess,
    private readonly runs: RunsService,
    private readonly actions: RunActionsService,
    private readonly lookup: RunLookup,
    private readonly watches: RunWatchesService,
    private readonly documents: DocumentReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  get handlers(): runV1.RunServiceServer {
    return {
      submit: this.unary((request, metadata) => this.submit(request, metadata)),
      get: this.unary((request, metadata) => this.get(request, metadata)),
      list: this.unary((request, metadata) => this.list(request, metadata)),
      cancel: this.unary((request, metadata) => this.cancel(request, metadata)),
      watch: (call) => void this.watches.serve(call),
    };
  }

  /** Called when the server shuts down. */
  endWatches(): void {
    this.watches.endAll();
  }

  private async submit({ spec: text }: runV1.SubmitRequest, metadata: Metadata): Promise<runV1.SubmitResponse> {
    // A document is parsed only for somebody with a token.
    const principal = await this.access.toSubmitAny(metadata);
    const bytes = Buffer.from(text);
    if (bytes.length > DOCUMENT_BYTES_MAX) throw bodyTooLarge(DOCUMENT_BYTES_MAX);
    const type = text.trimStart().startsWith('{') ? 'application/json' : 'application/yaml';
    const spec = parseRunSpec(await this.documents.read(bytes, type));
    return this.runs.submit(spec, await this.access.toSubmit(principal, spec.project));
  }

  private async get({ id }: runV1.GetRequest, metadata: Metadata): Promise<runV1.Run> {
    await this.access.toRead(metadata);
    await this.lookup.assertExists(id);
    return runMessage(await this.runs.get(id));
  }

  private async list(request: runV1.ListRequest, metadata: Metadata): Promise<runV1.ListResponse> {
    await this.access.toRead(metadata);
    const given = Object.entries({ ...request, limit: request.limit === 0 ? '' : String(request.limit) });
    const query = parseQuery(runListQuerySchema, Object.fromEntries(given.filter(([, value]) => value !== '')));
    const { items, nextCursor } = await this.runs.list(query);
    return { runs: items.map(runMessage), nextCursor: nextCursor ?? '' };
  }

  private async cancel({ id }: runV1.CancelRequest, metadata: Metadata): Promise<runV1.CancelResponse> {
    return this.actions.cancel(id, await this.access.toSteer(metadata, id));
  }

  private unary<Q, A>(work: (request: Q, metadata: Metadata) => Promise<A>): handleUnaryCall<Q, A> {
    return (call, callback) => {
      work(call.request, call.metadata).then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(failedCall(error, this.logger, call.getPath())),
      );
    };
  }
}
