import { type ChannelCredentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { agentV1 } from '@millrace/contracts';
import { fromServiceError } from './grpc-errors';
import { channelOptions } from './grpc-options';

const DEADLINE_MS = 10_000;

export interface EnrolmentClientOptions {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly now: () => number;
}

/** Client of the API's AgentService.Enroll. */
export class EnrolmentClient {
  private readonly client: agentV1.AgentServiceClient;

  constructor(private readonly options: EnrolmentClientOptions) {
    this.client = new agentV1.AgentServiceClient(options.address, options.credentials, channelOptions(options.address));
  }

  /** @returns a new credential; undefined when `token` is itself a credential that is in force. Errors: GRPC.*. */
  enrol(token: string, request: agentV1.EnrollRequest): Promise<string | undefined> {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const deadline = this.options.now() + DEADLINE_MS;
    return new Promise((resolve, reject) => {
      this.client.enroll(request, metadata, { deadline }, (error: ServiceError | null, response) => {
        if (error === null) resolve(response.credential === '' ? undefined : response.credential);
        else reject(fromServiceError(error, `enrolling at ${this.options.address}`));
      });
    });
  }

  close(): void {
    this.client.close();
  }
}
