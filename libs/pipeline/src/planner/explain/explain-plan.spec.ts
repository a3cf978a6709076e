import { expect, it } from 'vitest';
import { MEBIBYTE, plainRequest } from '../../../test/plain-request';
import { makePlan } from '../make-plan';
import { explainPlan } from './explain-plan';

/** `npx vitest run libs/pipeline -u` writes it; read the diff. */
it('shows prediction, memory of every rank, and what lost and why', async () => {
  const setting = { chunks: 1, microBatches: 4, recompute: 'none' } as const;
  const plan = makePlan(
    plainRequest({
      speeds: [1, 2, 1.5],
      memoryBytes: 400 * MEBIBYTE,
      candidates: [
        { ...setting, schedule: '1f1b' },
        { ...setting, schedule: 'gpipe' },
        { ...setting, schedule: '1f1b', recompute: 'full' },
      ],
    }),
  );
  await expect(explainPlan(plan)).toMatchFileSnapshot('golden/three-devices.txt');
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
});
