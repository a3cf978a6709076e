import { type ComponentType, type FunctionComponent, createElement, use } from 'react';
import { fetchPatiently } from './fetch-patiently';

/** A part of the dashboard could not be loaded. */
export class PartNotLoaded extends Error {
  constructor(
    cause: unknown,
    /** Lets the part be asked for again when it is shown the next time. */
    readonly forget: () => void,
  ) {
    super('This part of the dashboard could not be loaded: the API does not answer.', { cause });
    this.name = 'PartNotLoaded';
  }
}

type Preloadable<P extends object> = FunctionComponent<P> & { preload: () => Promise<void> };

/**
 * A component whose file is loaded when it is first shown. Until the whole page is loaded anew, a browser remembers
 * that a module could not be fetched; and the router loads the page anew at the first failure, even if no API answers.
 * Therefore the API is first asked whether it is there, for as long as a restart takes. If the file cannot be loaded
 * even then, it belongs to another version, and only then is the page loaded anew.
 */
export function lazyPage<P extends object>(load: () => Promise<ComponentType<P>>): Preloadable<P> {
  let loading: Promise<ComponentType<P>> | undefined;
  const start = (): Promise<ComponentType<P>> => {
    loading ??= loadOnceAnswered(load).catch((cause: unknown) => {
      throw new PartNotLoaded(cause, () => (loading = undefined));
    });
    return loading;
  };
  const Page = (props: P): ReturnType<FunctionComponent> => createElement(use(start()), props);
  const settled = (): void => undefined;
  return Object.assign(Page, { preload: () => start().then(settled, settled) });
}

async function loadOnceAnswered<T>(load: () => Promise<T>): Promise<T> {
  await fetchPatiently(signOfLife);
  try {
    return await load();
  } catch (error) {
    if (wasReloaded()) throw error;
    window.location.reload();
    return new Promise<never>(() => undefined);
  }
}

async function signOfLife(): Promise<void> {
  const response = await fetch('/healthz', { cache: 'no-store' });
  await response.arrayBuffer();
}

/** Whether this page was loaded anew a moment ago, in which case a second time would not help. */
function wasReloaded(): boolean {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return navigation?.type === 'reload';
}
