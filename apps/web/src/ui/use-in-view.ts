import { useEffect } from 'react';

/** Scrolls an element into view, for instance the chosen tab when a phone has no room for all of them. */
export function useInView(id: string): void {
  useEffect(() => {
    // Newer browsers return a promise, which an effect must not return.
    void document.getElementById(id)?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [id]);
}
