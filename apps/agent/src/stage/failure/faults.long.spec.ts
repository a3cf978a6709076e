import { SCHEDULE_NAMES } from '@millrace/pipeline';
import { expect, it } from 'vitest';
import { expectRightEndings } from '../../../test/injected-faults';

const FAULTS_PER_SCHEDULE = 10_000 / SCHEDULE_NAMES.length;

it.each(SCHEDULE_NAMES)(
  'an attempt whose parts fail under %s ends in time, with the right class and culprit',
  { timeout: 900_000 },
  async (schedule) => {
    expect.hasAssertions();
    await expectRightEndings(schedule, FAULTS_PER_SCHEDULE);
  },
);
