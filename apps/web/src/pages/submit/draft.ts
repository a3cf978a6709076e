/** What was typed on the submit page and not submitted yet; kept while the browser tab is open. */
export interface Draft {
  read: () => string | undefined;
  write: (text: string) => void;
  forget: () => void;
}

/** `from` is the run whose spec is changed; each has a draft of its own. */
export function draftOf(from: string | undefined, storage: Storage = window.sessionStorage): Draft {
  const key = `millrace-draft ${from ?? ''}`;
  return {
    read: () => storage.getItem(key) ?? undefined,
    write: (text) => {
      try {
        storage.setItem(key, text);
      } catch {
        // A storage that is full or refused costs the draft, not the page.
      }
    },
    forget: () => storage.removeItem(key),
  };
}
