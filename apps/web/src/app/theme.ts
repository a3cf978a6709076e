import { useEffect, useState } from 'react';

export type Theme = 'light' | 'dark';

const STORED_AS = 'millrace-theme';
const CHANGED = 'millrace-theme-changed';

export function currentTheme(): Theme {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(STORED_AS, theme);
  document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event(CHANGED));
}

/** The current theme. Canvases must be drawn again when it changes; everything else follows the style sheet. */
export function useTheme(): Theme {
  const [theme, setState] = useState(currentTheme);
  useEffect(() => {
    const update = (): void => setState(currentTheme());
    window.addEventListener(CHANGED, update);
    return () => window.removeEventListener(CHANGED, update);
  }, []);
  return theme;
}
