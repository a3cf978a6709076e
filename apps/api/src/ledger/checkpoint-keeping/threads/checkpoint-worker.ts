import { serveWork } from '../../../ground/concurrency/serve-work';
import { type CheckpointAnswer, type CheckpointTask, carryOut } from './checkpoint-tasks';

serveWork<CheckpointTask, CheckpointAnswer>(carryOut);
