import { CheckCircle2, X, XCircle } from 'lucide-react';
import { type ReactNode, createContext, useCallback, useContext, useMemo, useState } from 'react';
import { IconButton } from '../button';

export interface Toast {
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

type ShowToast = (toast: Toast) => void;

const ToastContext = createContext<ShowToast>(() => undefined);
const SHOWN_MS = 6_000;
const COUNT_MAX = 4;

export function useToast(): ShowToast {
  return useContext(ToastContext);
}

/** Shows short messages in a corner. A message about a failure stays until it is closed. */
export function ToastProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [toasts, setToasts] = useState<readonly (Toast & { id: number })[]>([]);
  const close = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), []);
  const show = useMemo(() => {
    let next = 0;
    return (toast: Toast): void => {
      const id = next++;
      setToasts((shown) => [...shown, { ...toast, id }].slice(-COUNT_MAX));
      if (toast.tone === 'good') window.setTimeout(() => close(id), SHOWN_MS);
    };
  }, [close]);
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className="toasts" role="region" aria-label="Notifications" aria-live="polite">
        {toasts.map(({ id, tone, text }) => (
          <div key={id} className={`toast toast-${tone}`}>
            {tone === 'good' ? <CheckCircle2 size={18} aria-hidden /> : <XCircle size={18} aria-hidden />}
            <span>{text}</span>
            <IconButton icon={X} label="Close the notification" onClick={() => close(id)} />
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}
