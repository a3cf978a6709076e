import { useEffect } from 'react';

/** Scrolls the row of an element, the chosen one of more tabs than a phone has room for say, until it can be seen. */
export function useInView(id: string): void {
  useEffect(() => {
    // Newer browsers answer with a promise, which an effect must not return.
    void document.getElementById(id)?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [id]);
}
