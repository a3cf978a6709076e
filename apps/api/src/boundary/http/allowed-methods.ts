import type { Express } from 'express';

interface RouteLayer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** A route of the running application, for instance `GET` and `/api/v1/runs/{id}:cancel`. */
export interface RegisteredRoute {
  readonly method: string;
  readonly path: string;
}

function routeLayers(app: Express): RouteLayer[] {
  return (app.router as unknown as { stack: RouteLayer[] }).stack.filter(({ route }) => route !== undefined);
}

/** The methods that `path` allows; empty for an address that does not exist. */
export function allowedMethods(app: Express, path: string): string[] {
  const layers = routeLayers(app).filter((layer) => layer.match(path));
  const methods = new Set(
    layers.flatMap(({ route }) => Object.keys(route?.methods ?? {})).map((method) => method.toUpperCase()),
  );
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}

/** Every route, with its path in the form of OpenAPI. */
export function registeredRoutes(app: Express): RegisteredRoute[] {
  return routeLayers(app).flatMap(({ route }) => {
    const path = (route?.path ?? '').replaceAll(/(?<!\\):([A-Za-z]+)/g, '{$1}').replaceAll('\\:', ':');
    return Object.keys(route?.methods ?? {}).map((method) => ({ method: method.toUpperCase(), path }));
  });
}
