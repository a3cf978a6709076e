import type { DatasetBody } from '@millrace/contracts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { RotateCcw, Send } from 'lucide-react';
import { type ReactNode, Suspense, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { client } from '../../api/client';
import { useMay } from '../../api/session';
import { lazyPage } from '../../app/loading/lazy-page';
import { Button } from '../../ui/button';
import { CliCommand } from '../../ui/copyable';
import { Notice } from '../../ui/feedback/notice';
import { useAction } from '../../ui/feedback/use-action';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { draftOf } from './draft';
import { FIRST_DATASET, FIRST_SPEC } from './first-spec';
import { formSections } from './form/form-fields';
import { runSpecFormSchema } from './form/json-schema';
import { SpecForm } from './form/spec-form';
import { PlanPanel } from './plan/plan-panel';
import { type SpecError, readSpec, withValue } from './spec-document';
import { specText } from './spec-text';

const route = getRouteApi('/submit');
const YamlEditor = lazyPage(async () => (await import('./editor/yaml-editor')).YamlEditor);
const SECTIONS = formSections(runSpecFormSchema());

/** Shows one document as a form and as text, and below them the plan that the API would make of it. */
export function SubmitPage(): ReactNode {
  const datasets = useDatasets();
  const { text, setText, startOver, forget } = useSpecText(datasets);
  const document = useMemo(() => readSpec(text, datasets), [text, datasets]);
  const isYaml = document.value !== undefined;
  const value = useLastDefined(document.value);
  // It waits for the list of datasets: without it, a dry run could fail for its dataset.
  const planned = useDeferredValue(document.spec === undefined || datasets === undefined ? undefined : text);
  const suggestions = useMemo(() => ({ '/data/dataset': datasets?.map(({ name }) => name) ?? [] }), [datasets]);
  const mayAct = useMay('member');
  const navigate = useNavigate();
  const submit = useAction({
    act: () => client.submitRun(text),
    done: ({ id }) => `Run ${id} is queued.`,
    stale: [['runs'], ['overview']],
    onDone: ({ id }) => {
      forget();
      void navigate({ to: '/runs/$runId', params: { runId: id }, search: { tab: 'overview' } });
    },
  });
  return (
    <>
      <PageHeader
        title="Submit a run"
        detail={<CliCommand command="millrace submit FILE --watch" />}
        actions={
          <>
            {startOver && (
              <Button icon={RotateCcw} onClick={startOver}>
                Start over
              </Button>
            )}
            <Button
              variant="primary"
              icon={Send}
              disabled={document.spec === undefined || !mayAct}
              isBusy={submit.isPending}
              onClick={() => submit.mutate(undefined)}
            >
              Submit
            </Button>
          </>
        }
      />
      {!mayAct && <Notice tone="info">A viewer cannot submit runs, but can see what a spec would lead to.</Notice>}
      <Errors errors={document.errors} />
      <div className="submit">
        <Panel
          title="Form"
          note={isYaml ? 'empty fields have their default' : 'shows the last YAML that could be read'}
        >
          <SpecForm
            sections={SECTIONS}
            isDisabled={!isYaml}
            value={value}
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

/** The datasets, newest first; undefined until they are loaded. */
function useDatasets(): readonly DatasetBody[] | undefined {
  const { data } = useQuery({
    queryKey: ['datasets', 'submit'],
    queryFn: () => client.datasets({ limit: LISTED_COUNT }),
  });
  return data?.items;
}

interface SpecText {
  readonly text: string;
  readonly setText: (text: string) => void;
  /** Undefined if nothing was typed. */
  readonly startOver: (() => void) | undefined;
  readonly forget: () => void;
}

/**
 * Begins with what was typed before, else with the spec of the run that is submitted again, else with a first spec that
 * reads a dataset that exists. Typed text is kept, so that visiting another page does not lose it.
 */
function useSpecText(datasets: readonly DatasetBody[] | undefined): SpecText {
  const { from } = route.useSearch();
  const draft = useMemo(() => draftOf(from), [from]);
  const [typed, setTyped] = useState(draft.read);
  useEffect(() => setTyped(draft.read()), [draft]);
  const { data } = useQuery({
    queryKey: ['run', from ?? ''],
    queryFn: () => client.run(from ?? ''),
    enabled: from !== undefined,
    refetchOnWindowFocus: false,
  });
  const first = data === undefined ? firstSpec(datasets) : specText(data.spec);
  const setText = (text: string): void => {
    setTyped(text);
    draft.write(text);
  };
  const startOver = (): void => {
    setTyped(undefined);
    draft.forget();
  };
  return {
    text: typed ?? first,
    setText,
    startOver: typed === undefined || typed === first ? undefined : startOver,
    forget: draft.forget,
  };
}

function firstSpec(datasets: readonly DatasetBody[] | undefined): string {
  const newest = datasets?.[0]?.name;
  const hasFirst = newest === undefined || datasets?.some(({ name }) => name === FIRST_DATASET) === true;
  return hasFirst ? FIRST_SPEC : FIRST_SPEC.replace(FIRST_DATASET, newest);
}

/** The value or, while it is undefined, the last value that it had. */
function useLastDefined(value: unknown): unknown {
  const last = useRef(value);
  if (value !== undefined) last.current = value;
  return value ?? last.current;
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
