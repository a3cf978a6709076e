import type { LucideIcon } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly variant?: 'primary' | 'plain' | 'danger' | 'quiet';
  readonly icon?: LucideIcon;
  readonly isBusy?: boolean;
}

/** A button with a text; its icon is decoration. */
export function Button({ variant = 'plain', icon: Icon, isBusy, children, ...rest }: ButtonProps): ReactNode {
  return (
    <button
      type="button"
      {...rest}
      className={`button button-${variant} ${rest.className ?? ''}`}
      disabled={rest.disabled === true || isBusy === true}
      aria-busy={isBusy}
    >
      {Icon && <Icon size={16} aria-hidden />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon: LucideIcon;
  readonly label: string;
}

/** A button without a text: screen readers read its label, and the pointer shows it. */
export function IconButton({ icon: Icon, label, ...rest }: IconButtonProps): ReactNode {
  return (
    <button type="button" {...rest} className={`icon-button ${rest.className ?? ''}`} aria-label={label} title={label}>
      <Icon size={16} aria-hidden />
    </button>
  );
}
