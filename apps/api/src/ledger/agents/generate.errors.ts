import { AppError } from '@millrace/core';

export function generationFailed(agentId: string, reason: string): AppError {
  return new AppError({
    code: 'GENERATE.FAILED',
    kind: 'unavailable',
    message: `${agentId} could not generate: ${reason || 'it did not say why'}`,
  });
}

export function generationTimedOut(timeoutMs: number): AppError {
  return new AppError({
    code: 'GENERATE.TIMED_OUT',
    kind: 'unavailable',
    message: `nothing was generated within ${timeoutMs / 1000} s; ask for fewer tokens, or try again when the agents are less busy`,
    details: { retryAfterSeconds: 30 },
  });
}

export function tooManyGenerations(waitingCountMax: number): AppError {
  return new AppError({
    code: 'GENERATE.BUSY',
    kind: 'unavailable',
    message: `${waitingCountMax} generations are waiting already; try again later`,
    details: { retryAfterSeconds: 10 },
  });
}

/** Another replica of the API holds the devices: one replica gives its agents one text after the other. */
export function devicesTaken(agentIds: readonly string[]): AppError {
  return new AppError({
    code: 'GENERATE.DEVICES_TAKEN',
    kind: 'unavailable',
    message: `${agentIds.join(', ')} went on generating other texts; try again later`,
    details: { retryAfterSeconds: 10 },
  });
}

/** Its lease could not be renewed in time, for instance because the database was away. */
export function deviceLost(agentId: string): AppError {
  return new AppError({
    code: 'GENERATE.DEVICE_LOST',
    kind: 'unavailable',
    message: `the device of ${agentId} was given to another generation, because its lease ran out; try again`,
    details: { retryAfterSeconds: 10 },
  });
}

export function noAgents(): AppError {
  return new AppError({
    code: 'GENERATE.NO_AGENTS',
    kind: 'unavailable',
    message: 'no agent is connected; start one with `millrace agent`',
    details: { retryAfterSeconds: 10 },
  });
}

/** The checkpoint has no tokenizer that turns text into tokens. */
export function noTokenizer(checkpointId: string, reason: string): AppError {
  return new AppError({
    code: 'GENERATE.NO_TOKENIZER',
    kind: 'invalid',
    message: `a prompt cannot be turned into tokens for ${checkpointId}: ${reason}`,
    fields: [{ path: '/prompt', message: reason }],
  });
}

/** The checkpoint does not say everything that is needed to run the model. */
export function modelIncomplete(checkpointId: string, field: string): AppError {
  return new AppError({
    code: 'GENERATE.MODEL_INCOMPLETE',
    kind: 'invalid',
    message: `${checkpointId} was imported without model.${field}; start a run from it and generate from that run's checkpoint`,
  });
}

export function promptEmpty(): AppError {
  return new AppError({
    code: 'GENERATE.PROMPT_EMPTY',
    kind: 'invalid',
    message: 'the prompt has no token; give at least one character',
    fields: [{ path: '/prompt', message: 'has no token' }],
  });
}
