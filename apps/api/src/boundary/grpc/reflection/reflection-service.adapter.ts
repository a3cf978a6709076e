import { type handleBidiStreamingCall, status } from '@grpc/grpc-js';
import { Injectable } from '@nestjs/common';
import { DESCRIPTORS_BASE64, type reflectionV1 } from '@millrace/contracts';
import { DescriptorIndex } from './descriptor-index';

type Request = reflectionV1.ServerReflectionRequest;
type Response = reflectionV1.ServerReflectionResponse;
type Answer = NonNullable<Response['messageResponse']>;

/**
 * The service grpc.reflection, in v1 and v1alpha, whose messages are the same. It needs no token, since it tells only
 * what proto/ says. With it, clients such as grpcurl need no file of ours.
 */
@Injectable()
export class ReflectionServiceAdapter {
  private readonly index = new DescriptorIndex(Buffer.from(DESCRIPTORS_BASE64, 'base64'));

  readonly serverReflectionInfo: handleBidiStreamingCall<Request, Response> = (call) => {
    call.on('data', (request: Request) => {
      // The stream is paused for each answer: otherwise a client that sends and never reads would fill the memory.
      const messageResponse = this.answer(request.messageRequest);
      if (call.write({ validHost: request.host, originalRequest: request, messageResponse })) return;
      call.pause();
      call.once('drain', () => call.resume());
    });
    call.on('end', () => call.end());
    call.on('error', () => call.end());
  };

  private answer(request: Request['messageRequest']): Answer {
    switch (request?.$case) {
      case 'listServices':
        return {
          $case: 'listServicesResponse',
          value: { service: this.index.services.map((name) => ({ name })) },
        };
      case 'fileByFilename':
        return files(this.index.byName(request.value), request.value);
      case 'fileContainingSymbol':
        return files(this.index.bySymbol(request.value), request.value);
      case 'fileContainingExtension':
        return refusal(status.NOT_FOUND, `there is no extension of ${request.value.containingType}`);
      case 'allExtensionNumbersOfType':
        return refusal(status.NOT_FOUND, `there are no extensions of ${request.value}`);
      case undefined:
        return refusal(status.INVALID_ARGUMENT, 'the request asks for nothing');
      default:
        return request satisfies never;
    }
  }
}

function files(fileDescriptorProto: Buffer[] | undefined, name: string): Answer {
  if (fileDescriptorProto === undefined) return refusal(status.NOT_FOUND, `there is no ${name}`);
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function refusal(errorCode: number, errorMessage: string): Answer {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } };
}
