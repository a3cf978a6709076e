import { type QueryKey, type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { errorText } from './error-text';
import { useToast } from './toasts';

interface ActionOptions<TInput, TResult> {
  readonly act: (input: TInput) => Promise<TResult>;
  /** Makes the message that is shown when the action has succeeded. */
  readonly done?: (result: TResult, input: TInput) => string;
  /** The queries whose answers the action makes stale. */
  readonly stale?: readonly QueryKey[];
  readonly onDone?: (result: TResult) => void;
}

/** Returns a function that changes something at the API and shows a message about how that went. */
export function useAction<TInput, TResult>(
  options: ActionOptions<TInput, TResult>,
): UseMutationResult<TResult, unknown, TInput> {
  const toast = useToast();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: options.act,
    onSuccess: (result, input) => {
      if (options.done) toast({ tone: 'good', text: options.done(result, input) });
      for (const queryKey of options.stale ?? []) void queries.invalidateQueries({ queryKey });
      options.onDone?.(result);
    },
    onError: (error) => toast({ tone: 'bad', text: errorText(error) }),
  });
}
