import { AppError } from '@millrace/core';

export function agentStopping(): AppError {
  return new AppError({ code: 'AGENT.STOPPING', kind: 'unavailable', message: 'the agent was asked to stop' });
}

export function apiAway(graceMs: number): AppError {
  const message = `no API could be reached for ${Math.round(graceMs / 1000)} s: the attempt stopped by itself`;
  return new AppError({ code: 'AGENT.API_AWAY', kind: 'unavailable', message });
}

export function planInvalid(reason: string): AppError {
  return new AppError({ code: 'AGENT.PLAN_INVALID', kind: 'invalid', message: `the plan cannot be read: ${reason}` });
}

export function credentialMissing(addresses: readonly string[]): AppError {
  const message =
    `the API sent no certificate for the links to ${addresses.join(', ')}, and nothing leaves this machine without one: ` +
    'run the same version of API and agents';
  return new AppError({ code: 'AGENT.CREDENTIAL_MISSING', kind: 'invalid', message });
}

export function fenceTooOld(runId: string, fence: number, current: number): AppError {
  const message = `fence ${fence} of ${runId} is older than ${current}, which this agent knows`;
  return new AppError({ code: 'AGENT.FENCE_OLD', kind: 'aborted', message });
}

export function attemptUnknown(runId: string, fence: number): AppError {
  return new AppError({
    code: 'AGENT.ATTEMPT_UNKNOWN',
    kind: 'not_found',
    message: `this agent does not run fence ${fence} of ${runId}`,
  });
}

export function agentBusy(what: string): AppError {
  return new AppError({ code: 'AGENT.BUSY', kind: 'exhausted', message: `this agent is busy: ${what}` });
}

export function superseded(runId: string, fence: number): AppError {
  return new AppError({
    code: 'AGENT.SUPERSEDED',
    kind: 'aborted',
    message: `fence ${fence} of ${runId} was superseded`,
  });
}
