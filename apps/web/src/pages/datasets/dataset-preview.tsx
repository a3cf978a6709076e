import type { DatasetBody, DatasetPreviewBody } from '@millrace/contracts';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { formatCount } from '../../format/format-number';
import { IconButton } from '../../ui/button';
import { QueryView } from '../../ui/feedback/query-view';
import { Panel } from '../../ui/panel';

const SHOWN_COUNT = 256;

/** Shows a piece of the dataset as text and as the tokens that a run reads. */
export function DatasetPreview({ dataset }: { readonly dataset: DatasetBody }): ReactNode {
  const [offset, setOffset] = useState(0);
  const query = useQuery({
    queryKey: ['datasets', dataset.id, 'preview', String(offset)],
    queryFn: () => client.previewDataset(dataset.id, { offset, tokens: SHOWN_COUNT }),
    placeholderData: keepPreviousData,
  });
  const last = Math.max(0, dataset.tokens - SHOWN_COUNT);
  return (
    <Panel
      title="Preview"
      note={`tokens ${formatCount(offset)} to ${formatCount(Math.min(dataset.tokens, offset + SHOWN_COUNT) - 1)}`}
      actions={
        <>
          <IconButton
            icon={ChevronLeft}
            label="Tokens before"
            disabled={offset === 0}
            onClick={() => setOffset(Math.max(0, offset - SHOWN_COUNT))}
          />
          <IconButton
            icon={ChevronRight}
            label="Tokens after"
            disabled={offset >= last}
            onClick={() => setOffset(Math.min(last, offset + SHOWN_COUNT))}
          />
        </>
      }
    >
      <QueryView query={query}>{(preview) => <Pieces preview={preview} offset={offset} />}</QueryView>
    </Panel>
  );
}

function Pieces({ preview, offset }: { readonly preview: DatasetPreviewBody; readonly offset: number }): ReactNode {
  return (
    <div className="stack">
      {preview.text !== null && (
        <pre className="document preview-text" tabIndex={0} role="region" aria-label="Text">
          {preview.text}
        </pre>
      )}
      <ol className="tokens" aria-label="Tokens">
        {preview.tokens.map((token, index) => (
          <li key={offset + index} className="token">
            {preview.pieces !== null && <span className="token-piece">{visible(preview.pieces[index] ?? '')}</span>}
            <span className="token-id">{token}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Makes white space visible. */
function visible(piece: string): string {
  return piece.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\r', '␍').replaceAll('\t', '⇥');
}
