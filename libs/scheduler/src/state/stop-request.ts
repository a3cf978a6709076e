/** Why an attempt is being stopped, least severe first. */
export const STOP_REQUESTS = ['pause', 'cancel', 'fail'] as const;

export type StopRequest = (typeof STOP_REQUESTS)[number];

/**
 * Stopping may only get more severe: a pause may become a cancel and a cancel a failure, never the other way.
 * Returns the request that holds from now on.
 */
export function escalateStop(current: StopRequest | undefined, requested: StopRequest): StopRequest {
  return current !== undefined && severity(current) > severity(requested) ? current : requested;
}

export function isMoreSevere(requested: StopRequest, current: StopRequest | undefined): boolean {
  return current === undefined || severity(requested) > severity(current);
}

function severity(request: StopRequest): number {
  return STOP_REQUESTS.indexOf(request);
}
