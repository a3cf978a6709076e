export * from './attempt-plan';
export * from './parse-run-spec';
export * from './rest';
export * from './run-spec';
export * from './run-spec.errors';
export * as agentV1 from './generated/grpc/millrace/agent/v1/agent';
export * as blobV1 from './generated/grpc/millrace/blob/v1/blob';
export * as healthV1 from './generated/grpc/grpc/health/v1/health';
export * as stageV1 from './generated/grpc/millrace/stage/v1/stage';
