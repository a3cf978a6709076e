import type { ReactNode } from 'react';
import { formatBytes, formatCount } from '../../../format/format-number';
import type { LinkRow } from './link-rows';

/** Shows each link in both directions: what the spec lets one expect, and what its sender counted. */
export function LinkTable({ rows }: { readonly rows: readonly LinkRow[] }): ReactNode {
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="Traffic between the ranks">
      <table>
        <thead>
          <tr>
            <th scope="col">Link</th>
            <th scope="col" className="number">
              Tensors per step, computed
            </th>
            <th scope="col" className="number">
              Measured
            </th>
            <th scope="col" className="number">
              How many
            </th>
            <th scope="col" className="number">
              Everything else per step
            </th>
            <th scope="col" className="number">
              Rate, measured
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ fromRank, toRank, computedBytes, measured }) => (
            <tr key={`${fromRank} ${toRank}`}>
              <th scope="row">
                rank {fromRank} → {toRank}
              </th>
              <td className="number">{formatBytes(computedBytes)}</td>
              <td className="number">{measured === undefined ? '–' : formatBytes(measured.tensorBytesPerStep)}</td>
              <td className="number">
                {measured === undefined ? '–' : formatCount(Math.round(measured.tensorsPerStep))}
              </td>
              <td className="number">{measured === undefined ? '–' : formatBytes(measured.otherBytesPerStep)}</td>
              <td className="number">{measured === undefined ? '–' : rateText(measured.bytesPerSecond)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Example: 1.5 MiB/s */
export function rateText(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}
