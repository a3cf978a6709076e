import type { AgentBody } from '@millrace/contracts';
import type { ReactNode } from 'react';
import { formatBytes, formatCount } from '../../format/format-number';
import { Panel } from '../../ui/panel';

type AdapterParts = { limits?: Record<string, unknown>; features?: unknown } & Record<string, unknown>;

/**
 * The fields that people look for first; other fields, which an agent of another version may send, follow under their
 * own names.
 */
const LABELS: Readonly<Record<string, string>> = {
  ...{ description: 'name', vendor: 'vendor', architecture: 'architecture', device: 'model' },
  ...{ adapterClass: 'kind', memoryBytes: 'memory', uuid: 'UUID', pciAddress: 'PCI address' },
  ...{ deviceProof: 'told by', quarantined: 'kernels avoided' },
};

/** Shows what the driver tells about the device, and where the agent runs. */
export function AdapterPanel({ agent }: { readonly agent: AgentBody }): ReactNode {
  const { limits, features, ...rest } = agent.adapter as AdapterParts;

  const labels = Object.entries(agent.labels).map(([key, value]) => `${key}=${value}`);
  return (
    <div className="columns">
      <Panel title="Device">
        <dl className="facts">
          {inOrder(Object.keys(rest)).map((key) => (
            <Fact key={key} name={LABELS[key] ?? key} text={factText(key, rest[key])} />
          ))}
          <Fact name="data address" text={agent.dataAddress} />
          <Fact name="labels" text={labels.join(', ') || 'none'} />
        </dl>
        {Array.isArray(features) && (
          <details>
            <summary>{features.length} features of the driver</summary>
            <p className="quiet">{features.map(String).sort().join(', ')}</p>
          </details>
        )}
      </Panel>
      {limits && (
        <Panel title="Limits" note="the most that one kernel may use">
          <dl className="facts">
            {Object.entries(limits).map(([key, value]) => (
              <Fact key={key} name={key} text={factText(key, value)} />
            ))}
          </dl>
        </Panel>
      )}
    </div>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}

function inOrder(keys: readonly string[]): string[] {
  const known = Object.keys(LABELS);
  return [...known.filter((key) => keys.includes(key)), ...keys.filter((key) => !known.includes(key)).sort()];
}

function factText(key: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return 'unknown';
  if (Array.isArray(value)) return value.join(', ') || 'none';
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'number')
    return /bytes|size|memory/i.test(key) && value > 4096 ? formatBytes(value) : formatCount(value);
  return String(value);
}
