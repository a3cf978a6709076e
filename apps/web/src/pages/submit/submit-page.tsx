import type { DatasetBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Send } from 'lucide-react';
import { type ReactNode, Suspense, lazy, useDeferredValue, useEffect, useMemo, useState } from 'react';
import { stringify } from 'yaml';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { CliCommand } from '../../ui/copyable';
import { Notice } from '../../ui/feedback/notice';
import { useAction } from '../../ui/feedback/use-action';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { FIRST_DATASET, FIRST_SPEC } from './first-spec';
import { formSections } from './form/form-fields';
import { runSpecJsonSchema } from './form/json-schema';
import { SpecForm } from './form/spec-form';
import { PlanPanel } from './plan/plan-panel';
import { type SpecError, readSpec, withValue } from './spec-document';

const route = getRouteApi('/submit');
const YamlEditor = lazy(async () => ({ default: (await import('./editor/yaml-editor')).YamlEditor }));
const SECTIONS = formSections(runSpecJsonSchema());

/** Form and text are two sides of one document; below is what the API would make of it. */
export function SubmitPage(): ReactNode {
  const datasets = useDatasets();
  const [text, setText] = useFirstText(datasets);
  const document = useMemo(() => readSpec(text, datasets), [text, datasets]);
  // Not before it is known what there is to read: a dry run that fails for that is no use.
  const planned = useDeferredValue(document.spec === undefined || datasets === undefined ? undefined : text);
  const suggestions = useMemo(() => ({ '/data/dataset': datasets?.map(({ name }) => name) ?? [] }), [datasets]);
  const mayAct = useMay('member');
  const navigate = useNavigate();
  const submit = useAction({
    act: () => client.submitRun(text),
    done: ({ id }) => `Run ${id} is queued.`,
    stale: [['runs'], ['overview']],
    onDone: ({ id }) => void navigate({ to: '/runs/$runId', params: { runId: id }, search: { tab: 'overview' } }),
  });
  return (
    <>
      <PageHeader
        title="Submit a run"
        detail={<CliCommand command="millrace submit FILE --watch" />}
        actions={
          <Button
            variant="primary"
            icon={Send}
            disabled={document.spec === undefined || !mayAct}
            isBusy={submit.isPending}
            onClick={() => submit.mutate(undefined)}
          >
            Submit
          </Button>
        }
      />
      {!mayAct && <Notice tone="info">A viewer cannot submit runs, but may try what a spec would give.</Notice>}
      <Errors errors={document.errors} />
      <div className="submit">
        <Panel title="Form" note="empty fields keep their default">
          <SpecForm
            sections={SECTIONS}
            value={document.value}
            errors={document.errors}
            suggestions={suggestions}
            onChange={(path, value) => setText(withValue(text, path, value))}
          />
        </Panel>
        <Panel title="YAML" isFlush note="the same document">
          <Suspense fallback={<div className="loading">Loading the editor…</div>}>
            <YamlEditor label="Run spec as YAML" text={text} errors={document.errors} onChange={setText} />
          </Suspense>
        </Panel>
      </div>
      <PlanPanel text={planned} spec={document.spec} mayAsk={mayAct} />
    </>
  );
}

const LISTED_COUNT = 1_000;

/** Newest first; undefined until they are known. */
function useDatasets(): readonly DatasetBody[] | undefined {
  const { data } = useQuery({
    queryKey: ['datasets', 'submit'],
    queryFn: () => client.datasets({ limit: LISTED_COUNT }),
  });
  return data?.items;
}

/** A run that is submitted again brings its spec; another reads a dataset that is there. */
function useFirstText(datasets: readonly DatasetBody[] | undefined): [string, (text: string) => void] {
  const { from } = route.useSearch();
  const [text, setText] = useState(FIRST_SPEC);
  const { data } = useQuery({
    queryKey: ['run', from ?? ''],
    queryFn: () => client.run(from ?? ''),
    enabled: from !== undefined,
    refetchOnWindowFocus: false,
  });
  const spec = data?.spec;
  useEffect(() => {
    if (spec !== undefined) setText(stringify(spec));
    // Once, when it has come: later answers would overwrite what was typed.
  }, [spec === undefined]);
  const newest = datasets?.[0]?.name;
  const hasFirst = datasets?.some(({ name }) => name === FIRST_DATASET) ?? true;
  useEffect(() => {
    if (hasFirst || newest === undefined) return;
    setText((typed) => (typed === FIRST_SPEC ? FIRST_SPEC.replace(FIRST_DATASET, newest) : typed));
  }, [hasFirst, newest]);
  return [text, setText];
}

function Errors({ errors }: { readonly errors: readonly SpecError[] }): ReactNode {
  if (errors.length === 0) return null;
  return (
    <Notice tone="warn">
      {errors.map(({ path, message }) => (
        <p key={`${path} ${message}`}>
          {path !== '' && <code>{path}</code>} {message}
        </p>
      ))}
    </Notice>
  );
}
