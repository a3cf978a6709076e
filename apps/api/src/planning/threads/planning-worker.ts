import { serveWork } from '../../ground/concurrency/serve-work';
import { PLANNING_WORK, type PlanningTask } from './planning-tasks';

serveWork(({ operation, input }: PlanningTask): unknown => {
  const work = PLANNING_WORK[operation] as (given: unknown) => unknown;
  return work(input);
});
