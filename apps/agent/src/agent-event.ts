import type { agentV1 } from '@millrace/contracts';
import type { Attempt, AttemptEvent } from './attempt/attempt';
import type { Generation, GenerationEvent } from './generate/generation';
import type { LayerProfiling } from './profile/layer-profiling';
import type { SessionEvent } from './session/session-client';
import type { FromWorker } from './worker/worker-messages';

/** Everything that can happen to an agent. */
export type AgentEvent =
  | { readonly type: 'session'; readonly event: SessionEvent }
  | { readonly type: 'attempt'; readonly attempt: Attempt; readonly event: AttemptEvent }
  | { readonly type: 'generation'; readonly generation: Generation; readonly event: GenerationEvent }
  | { readonly type: 'profiling'; readonly profiling: LayerProfiling; readonly message: FromWorker }
  | { readonly type: 'heartbeat'; readonly latenessMs: number }
  | { readonly type: 'telemetry'; readonly sample: agentV1.DeviceTelemetry }
  | { readonly type: 'flush' }
  | { readonly type: 'stopped'; readonly commandId: string }
  | { readonly type: 'exit'; readonly code: number }
  | { readonly type: 'signal'; readonly name: string };
