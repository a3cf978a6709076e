import { FAILURE_CLASSES, type FailureClass, FINAL_STATES, isFinal, RUN_STATES } from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDecision } from './retry-decision';
import { type EndedAttempt, retryWaitMs } from './retry-wait';
import { allowedSources, ATTEMPT_STATES, canTransition, PLACEABLE_STATES, RUN_TRANSITIONS } from './run-state';
import { escalateStop, isMoreSevere, STOP_REQUESTS } from './stop-request';

describe('the run state machine', () => {
  it('takes the ordinary way, a pause, a recovery and a cancel', () => {
    const ways = [
      ['queued', 'scheduled', 'starting', 'running', 'succeeded'],
      ['running', 'pausing', 'paused', 'queued', 'scheduled'],
      ['running', 'recovering', 'scheduled', 'starting', 'running'],
      ['running', 'stopping', 'cancelled'],
      ['pausing', 'stopping', 'failed'],
    ] as const;
    for (const way of ways) {
      way.slice(1).forEach((state, index) => expect(canTransition(way[index] ?? state, state), way.join()).toBe(true));
    }
  });

  it('guards updates with the sources of a target', () => {
    expect(allowedSources('running')).toEqual(['starting']);
    expect(allowedSources('scheduled')).toEqual(['queued', 'recovering']);
    expect(allowedSources('cancelled')).toEqual(['queued', 'paused', 'recovering', 'stopping']);
    expect(allowedSources('failed')).toEqual(RUN_STATES.filter((state) => !isFinal(state)));
  });

  it('leaves final states never, and stopping only for an end', () => {
    expect(RUN_STATES.filter((state) => RUN_TRANSITIONS[state].length === 0)).toEqual(FINAL_STATES);
    expect(RUN_TRANSITIONS.stopping.every(isFinal)).toBe(true);
    for (const state of ['running', 'pausing', 'paused', 'queued'] as const) {
      expect(canTransition('stopping', state)).toBe(false);
    }
  });

  it('reaches an end from everywhere, and no state by itself', () => {
    for (const state of RUN_STATES.filter((each) => !isFinal(each))) {
      expect(RUN_TRANSITIONS[state].some(isFinal), state).toBe(true);
      expect(canTransition(state, state), state).toBe(false);
    }
    expect(PLACEABLE_STATES.every((state) => canTransition(state, 'scheduled'))).toBe(true);
    expect(ATTEMPT_STATES.some((state) => PLACEABLE_STATES.includes(state))).toBe(false);
  });
});

describe('stopping', () => {
  it('only gets more severe', () => {
    expect(escalateStop(undefined, 'pause')).toBe('pause');
    expect(escalateStop('pause', 'cancel')).toBe('cancel');
    expect(escalateStop('cancel', 'pause')).toBe('cancel');
    expect(escalateStop('fail', 'cancel')).toBe('fail');
    expect(isMoreSevere('cancel', 'cancel')).toBe(false);
    expect(isMoreSevere('fail', 'cancel')).toBe(true);
    expect(isMoreSevere('pause', undefined)).toBe(true);
  });

  it('does not depend on the order of the requests', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STOP_REQUESTS), { minLength: 1 }), (requests) => {
        const worst = STOP_REQUESTS[Math.max(...requests.map((request) => STOP_REQUESTS.indexOf(request)))];
        expect(requests.reduce(escalateStop)).toBe(worst);
      }),
    );
  });
});

describe('retryDecision', () => {
  it('uses up a retry for each real failure', () => {
    expect(retryDecision([], 'node_lost', 1)).toEqual({
      retry: true,
      usedRetries: 1,
      sentence: 'node_lost: retry 1 of 1',
    });
    expect(retryDecision(['node_lost'], 'internal', 1)).toMatchObject({ retry: false, usedRetries: 1 });
    expect(retryDecision([], 'timed_out', 0)).toMatchObject({ retry: false });
  });

  it('uses up none for a preemption or a pause', () => {
    const earlier: (FailureClass | undefined)[] = ['preempted', undefined, 'preempted', undefined];
    expect(retryDecision(earlier, 'preempted', 0)).toMatchObject({ retry: true, usedRetries: 0 });
    expect(retryDecision(earlier, 'out_of_memory', 1)).toMatchObject({ retry: true, usedRetries: 1 });
  });

  it.each(['user_error', 'numerics'] as const)('never retries %s', (failure) => {
    expect(retryDecision([], failure, 100)).toMatchObject({ retry: false, usedRetries: 0 });
  });

  it('grants no more than `retries` retries for real failures, whatever happens in between', () => {
    const story = fc.array(fc.constantFrom(...FAILURE_CLASSES), { maxLength: 30 });
    fc.assert(
      fc.property(story, fc.nat(5), (failures, retries) => {
        let granted = 0;
        for (const [index, failure] of failures.entries()) {
          const decision = retryDecision(failures.slice(0, index), failure, retries);
          if (!decision.retry) break;
          if (failure !== 'preempted') granted += 1;
          expect(decision.usedRetries).toBe(granted);
        }
        expect(granted).toBeLessThanOrEqual(retries);
      }),
    );
  });
});

describe('retryWaitMs', () => {
  const ended = (failure: FailureClass | undefined, lastedMs = 1_000): EndedAttempt => ({ failure, lastedMs });
  const failed = (count: number): EndedAttempt[] => Array.from({ length: count }, () => ended('internal'));

  it('is nothing after the first failure, then doubles up to five minutes', () => {
    const waits = Array.from({ length: 10 }, (_, count) => retryWaitMs(failed(count)) / 1000);
    expect(waits).toEqual([0, 0, 5, 10, 20, 40, 80, 160, 300, 300]);
    expect(retryWaitMs(failed(1000))).toBe(300_000);
  });

  it('begins anew after an attempt that trained for a while or did its work, and not after a preempted one', () => {
    expect(retryWaitMs([...failed(5), ended('internal', 60_000)])).toBe(0);
    expect(retryWaitMs([...failed(5), ended(undefined), ...failed(2)])).toBe(5_000);
    expect(retryWaitMs([...failed(2), ended('preempted', 90_000), ...failed(1)])).toBe(10_000);
  });
});
