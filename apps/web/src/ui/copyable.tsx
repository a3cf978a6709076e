import { Check, Copy } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useToast } from './feedback/toasts';

const SHOWN_MS = 1_500;

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  const [isCopied, setCopied] = useState(false);
  const toast = useToast();
  const copy = (): void => {
    void copyText(text).then(
      () => {
        setCopied(true);
        window.setTimeout(() => setCopied(false), SHOWN_MS);
      },
      () => toast({ tone: 'bad', text: `The browser does not let this page copy. The text is: ${text}` }),
    );
  };
  const Icon = isCopied ? Check : Copy;
  return (
    <button type="button" className="icon-button" onClick={copy} aria-label={label} title={label}>
      <Icon size={14} aria-hidden />
      <span className="hidden" role="status">
        {isCopied ? 'copied' : ''}
      </span>
    </button>
  );
}

/**
 * Copies a text. Over plain HTTP from another machine a browser has no clipboard API; the older way needs a selection.
 */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  if (!isDone) throw new DOMException('the browser refused', 'NotAllowedError');
}

/** An id, with a button that copies it. */
export function CopyableId({ id }: { readonly id: string }): ReactNode {
  return (
    <span className="copyable">
      <code>{id}</code>
      <CopyButton text={id} label={`Copy ${id}`} />
    </span>
  );
}

/** A command of the CLI that does or shows the same as this page. */
export function CliCommand({ command }: { readonly command: string }): ReactNode {
  return (
    <span className="cli">
      <span aria-hidden className="cli-prompt">
        $
      </span>
      <code tabIndex={0} aria-label={`command: ${command}`} role="group">
        {command}
      </code>
      <CopyButton text={command} label={`Copy the command ${command}`} />
    </span>
  );
}
