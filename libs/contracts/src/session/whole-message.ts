import type { AgentMessage, ApiMessage } from '../generated/grpc/millrace/agent/v1/agent';

/** What a message of a session says. It may travel in parts, which is the affair of whoever carries it. */
export type AgentMessageBody = Exclude<NonNullable<AgentMessage['body']>, { $case: 'part' }>;
export type ApiMessageBody = Exclude<NonNullable<ApiMessage['body']>, { $case: 'part' }>;
