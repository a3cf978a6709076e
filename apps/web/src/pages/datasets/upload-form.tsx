import { Upload, X } from 'lucide-react';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { DATASET_FILE_ENDINGS } from '@millrace/contracts/plain';
import { formatBytes, formatCount } from '../../format/format-number';
import { Button } from '../../ui/button';
import { useAction } from '../../ui/feedback/use-action';
import { Field } from '../../ui/field';
import { Meter } from '../../ui/meter';
import { Panel } from '../../ui/panel';
import { type FileKind, fileKind, nameOfFile } from './file-kind';
import { uploadDataset } from './upload-dataset';

/** Uploads a file as a dataset; the API tokenizes it while it arrives. */
export function UploadForm(): ReactNode {
  const [file, setFile] = useState<File>();
  const [name, setName] = useState('');
  const [tokenizer, setTokenizer] = useState('char');
  const [ratio, setRatio] = useState<number>();
  const abort = useRef<AbortController>(null);
  const kind = file === undefined ? undefined : fileKind(file.name);
  const upload = useAction({
    act: ({ chosen, kind }: { chosen: File; kind: FileKind }) => {
      abort.current = new AbortController();
      const { contentType, takesTokenizer } = kind;
      const { signal } = abort.current;
      const asked = takesTokenizer ? tokenizer : undefined;
      return uploadDataset({ name, tokenizer: asked, contentType, file: chosen, onProgress: setRatio, signal });
    },
    done: (dataset) => `${dataset.name} has ${formatCount(dataset.tokens)} tokens.`,
    stale: [['datasets']],
  });
  const choose = (chosen: File | undefined): void => {
    setFile(chosen);
    setRatio(undefined);
    if (chosen !== undefined) setName(nameOfFile(chosen.name));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (file !== undefined && kind !== undefined) upload.mutate({ chosen: file, kind });
  };
  return (
    <Panel title="Upload" note="text, lines of JSON, or 16-bit tokens">
      <form className="toolbar" onSubmit={submit}>
        <Field label="File" isWide hint={file && fileHint(file, kind)}>
          {(control) => (
            <input {...control} type="file" required onChange={({ target }) => choose(target.files?.[0])} />
          )}
        </Field>
        <Field label="Name">
          {(control) => (
            <input
              {...control}
              value={name}
              required
              pattern="[A-Za-z0-9._\-]{1,128}"
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
        {kind?.takesTokenizer !== false && (
          <Field label="Tokenizer" isWide>
            {(control) => (
              <select {...control} value={tokenizer} onChange={({ target }) => setTokenizer(target.value)}>
                <option value="char">char: one token per character</option>
                <option value="byte">byte: 256 tokens</option>
                <option value="gpt2">gpt2: byte pairs</option>
              </select>
            )}
          </Field>
        )}
        <Button type="submit" variant="primary" icon={Upload} isBusy={upload.isPending} disabled={kind === undefined}>
          Upload
        </Button>
        {upload.isPending && <Progress ratio={ratio ?? 0} onCancel={() => abort.current?.abort()} />}
      </form>
    </Panel>
  );
}

function fileHint({ name, size }: File, kind: FileKind | undefined): string {
  return kind === undefined
    ? `The ending of ${name} does not tell its format: rename it to one of ${DATASET_FILE_ENDINGS.join(', ')}.`
    : `${formatBytes(size)}, ${kind.what}`;
}

function Progress({ ratio, onCancel }: { readonly ratio: number; readonly onCancel: () => void }): ReactNode {
  return (
    <>
      <Meter label="Upload" ratio={ratio} text={ratio === 1 ? 'making tokens…' : undefined} />
      <Button icon={X} variant="quiet" onClick={onCancel}>
        Cancel the upload
      </Button>
    </>
  );
}
