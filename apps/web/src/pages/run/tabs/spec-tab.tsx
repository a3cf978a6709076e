import type { RunBody } from '@millrace/contracts';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { CopyButton } from '../../../ui/copyable';
import { Panel } from '../../../ui/panel';
import { specText } from '../../submit/spec-text';

/** Shows the complete spec, with every default filled in. */
export function SpecTab({ run }: { readonly run: RunBody }): ReactNode {
  const text = useMemo(() => specText(run.spec), [run.spec]);
  return (
    <Panel
      title="Run spec"
      note="as submitted, with every default filled in"
      actions={
        <>
          <CopyButton text={text} label="Copy the spec" />
          <Link className="button" to="/submit" search={{ from: run.id }}>
            Submit again, changed
          </Link>
        </>
      }
    >
      <pre className="document" tabIndex={0} role="region" aria-label="Run spec as YAML">
        {text}
      </pre>
    </Panel>
  );
}
