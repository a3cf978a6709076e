import type { CheckpointBody } from '@millrace/contracts';
import { allPages } from '@millrace/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { client } from '../../api/client';
import { formatDuration } from '../../format/format-time';
import { CliCommand, CopyButton } from '../../ui/copyable';
import { EmptyState } from '../../ui/feedback/empty-state';
import { useAction } from '../../ui/feedback/use-action';
import { PageHeader } from '../../ui/page-header';
import { Panel } from '../../ui/panel';
import { CheckpointChoice } from './checkpoint-choice';
import { FIRST_INPUT, GenerateForm, type GenerateInput } from './generate-form';
import { generateCommand } from './generate-command';

const route = getRouteApi('/playground');

interface Answer extends GenerateInput {
  readonly key: number;
  readonly checkpoint: string;
  readonly text: string;
  readonly tokens: number;
  readonly tookMs: number;
}

/** Generates text from checkpoints, as often as the user asks, and shows the results side by side. */
export function PlaygroundPage(): ReactNode {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [input, setInput] = useState(FIRST_INPUT);
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const { data: checkpoints } = useQuery({
    queryKey: ['run', search.run ?? '', 'checkpoints'],
    queryFn: () => checkpointsOf(search.run ?? ''),
    enabled: search.run !== undefined,
  });
  const newest = checkpoints?.reduce<CheckpointBody | undefined>(
    (best, one) => (best === undefined || one.step > best.step ? one : best),
    undefined,
  );
  const chosen = checkpoints?.find(({ id }) => id === search.checkpoint) ?? newest;
  const generate = useAction({
    act: async ({ checkpoint, input }: { checkpoint: string; input: GenerateInput }): Promise<Answer> => {
      const startedMs = performance.now();
      const { text, tokens } = await client.generate(checkpoint, input);
      return { ...input, text, tokens, checkpoint, key: startedMs, tookMs: performance.now() - startedMs };
    },
    onDone: (answer) => setAnswers((shown) => [answer, ...shown]),
  });
  return (
    <>
      <PageHeader
        title="Playground"
        detail={<CliCommand command={generateCommand(chosen?.id ?? 'CHECKPOINT', input)} />}
      />
      <div className="playground">
        <Panel title="Ask">
          <div className="stack">
            <CheckpointChoice
              run={search.run}
              checkpoint={chosen?.id}
              checkpoints={checkpoints ?? []}
              onChange={(next) => void navigate({ search: next, replace: true })}
            />
            <GenerateForm
              isReady={chosen !== undefined}
              isBusy={generate.isPending}
              input={input}
              onChange={setInput}
              onGenerate={() => chosen && generate.mutate({ checkpoint: chosen.id, input })}
            />
          </div>
        </Panel>
        <Panel title="Answers" note={generate.isPending ? 'generating, through the pipeline…' : undefined}>
          <Answers answers={answers} />
        </Panel>
      </div>
    </>
  );
}

function checkpointsOf(run: string): Promise<CheckpointBody[]> {
  return allPages((page) => client.checkpoints(run, page));
}

function Answers({ answers }: { readonly answers: readonly Answer[] }): ReactNode {
  if (answers.length === 0) {
    return <EmptyState title="No text has been generated yet.">The model continues your prompt.</EmptyState>;
  }
  return (
    <div className="stack" aria-live="polite">
      {answers.map(({ key, prompt, text, tokens, tookMs, temperature, seed }) => (
        <article key={key} className="answer">
          <p className="answer-text">
            <b>{prompt}</b>
            {text.startsWith(prompt) ? text.slice(prompt.length) : text}
          </p>
          <p className="quiet">
            {tokens} tokens in {formatDuration(tookMs)}, temperature {temperature}, seed {seed}
            <CopyButton text={text} label="Copy the text" />
          </p>
        </article>
      ))}
    </div>
  );
}
