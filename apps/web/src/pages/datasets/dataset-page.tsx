import type { DatasetBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { formatBytes, formatCount } from '../../format/format-number';
import { Button } from '../../ui/button';
import { CliCommand, CopyableId } from '../../ui/copyable';
import { ConfirmDialog } from '../../ui/feedback/confirm-dialog';
import { QueryView } from '../../ui/feedback/query-view';
import { useAction } from '../../ui/feedback/use-action';
import { PageHeader } from '../../ui/page-header';
import { StatRow, StatTile } from '../../ui/stat-tile';
import { TimeAgo } from '../../ui/time-ago';
import { DatasetPreview } from './dataset-preview';

const route = getRouteApi('/datasets/$datasetId');

export function DatasetPage(): ReactNode {
  const { datasetId } = route.useParams();
  const query = useQuery({
    queryKey: ['datasets', datasetId],
    queryFn: () => client.dataset(datasetId),
  });
  return <QueryView query={query}>{(dataset) => <LoadedDataset dataset={dataset} />}</QueryView>;
}

function LoadedDataset({ dataset }: { readonly dataset: DatasetBody }): ReactNode {
  return (
    <>
      <PageHeader
        title={dataset.name}
        actions={<DeleteButton dataset={dataset} />}
        detail={
          <>
            <CopyableId id={dataset.id} />
            <CliCommand command={`millrace datasets delete ${dataset.name}`} />
          </>
        }
      />
      <StatRow>
        <StatTile label="Tokens" value={formatCount(dataset.tokens)} />
        <StatTile label="Vocabulary" value={formatCount(dataset.vocab)} note={`tokenizer ${dataset.tokenizer}`} />
        <StatTile label="Size" value={formatBytes(dataset.bytes)} />
        <StatTile label="Uploaded" value={<TimeAgo time={dataset.createdAt} />} />
      </StatRow>
      <DatasetPreview dataset={dataset} />
    </>
  );
}

function DeleteButton({ dataset }: { readonly dataset: DatasetBody }): ReactNode {
  const mayDelete = useMay('member');
  const navigate = useNavigate();
  const [isAsked, setAsked] = useState(false);
  const remove = useAction({
    act: () => client.deleteDataset(dataset.id),
    done: () => `${dataset.name} was deleted.`,
    stale: [['datasets']],
    onDone: () => void navigate({ to: '/datasets' }),
  });
  if (!mayDelete) return null;
  return (
    <>
      <Button variant="danger" icon={Trash2} isBusy={remove.isPending} onClick={() => setAsked(true)}>
        Delete
      </Button>
      {isAsked && (
        <ConfirmDialog
          title={`Delete ${dataset.name}?`}
          consequence={
            <p>
              Its {formatCount(dataset.tokens)} tokens are deleted for good. The API refuses this while a run reads
              them.
            </p>
          }
          verb="Delete"
          onConfirm={() => remove.mutate(undefined)}
          onClose={() => setAsked(false)}
        />
      )}
    </>
  );
}
