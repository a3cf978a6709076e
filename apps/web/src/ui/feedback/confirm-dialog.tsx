import { Dialog, DialogDescription, DialogHeading } from '@ariakit/react';
import type { ReactNode } from 'react';
import { Button } from '../button';

interface ConfirmDialogProps {
  readonly title: string;
  /** Says in full what will happen. */
  readonly consequence: ReactNode;
  readonly verb: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks for confirmation before an action that cannot be undone. */
export function ConfirmDialog({ title, consequence, verb, onConfirm, onClose }: ConfirmDialogProps): ReactNode {
  const confirm = (): void => {
    onConfirm();
    onClose();
  };
  return (
    <Dialog open onClose={onClose} className="dialog" backdrop={<div className="backdrop" />}>
      <DialogHeading>{title}</DialogHeading>
      <DialogDescription render={<div />}>{consequence}</DialogDescription>
      <div className="dialog-actions">
        <Button onClick={onClose}>Keep it as it is</Button>
        <Button variant="danger" onClick={confirm}>
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
