import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorKind } from '@millrace/core';
import ts from 'typescript';
import { httpStatusOf } from '../src/boundary/kind-to-http';

export interface CatalogueEntry {
  readonly code: string;
  readonly kind: string;
  /** With … for values. */
  readonly message: string;
}

/** Every error that apps and libs construct, from their sources, by code. */
export function errorCatalogue(root: string): CatalogueEntry[] {
  const entries = new Map<string, CatalogueEntry>();
  for (const file of sources(root)) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true);
    visit(source, (entry) => entries.has(entry.code) || entries.set(entry.code, entry));
  }
  return [...entries.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** docs/errors.md. */
export function errorPage(entries: readonly CatalogueEntry[]): string {
  const rows = entries.map(({ code, kind, message }) => {
    const status = httpStatusOf({ code, kind: kind as ErrorKind }) as number | undefined;
    return `| \`${code}\` | ${kind} | ${status ?? ''} | ${message.replaceAll('|', '\\|')} |`;
  });
  return [
    '# Errors',
    '',
    'Every failure has a stable code. REST answers it as `application/problem+json` (RFC 9457): the code in `code`,',
    'the message in `detail`, the offending fields in `errors` as `{path, message}`. gRPC has it in the trailer',
    '`millrace-code`; the CLI prints it. Values that a message carries are written … here. Codes of agents and of the',
    'CLI have an HTTP status only in the sense of their kind.',
    '',
    'Made from the sources: `npx vitest run --project unit apps/api/test/documents -u` brings this page up to date.',
    '',
    '| code | kind | HTTP | message |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function sources(root: string): string[] {
  return ['apps', 'libs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\/src\/.*\.ts$/.test(file) && !/\.spec\.ts$|\/generated\/|^web\/|^testing\//.test(file))
      .sort()
      .map((file) => join(root, folder, file)),
  );
}

function visit(node: ts.Node, found: (entry: CatalogueEntry) => void): void {
  if (ts.isNewExpression(node) && node.expression.getText() === 'AppError') fromConstructor(node).forEach(found);
  // libs/checkpoint builds most of its errors through one function: invalid('WHAT', message, …).
  const [what, message] = ts.isCallExpression(node) && node.expression.getText() === 'invalid' ? node.arguments : [];
  if (what && message && ts.isStringLiteral(what) && node.getSourceFile().fileName.includes('checkpoint')) {
    found({ code: `CHECKPOINT.${what.text}`, kind: 'invalid', message: textOf(message) });
  }
  ts.forEachChild(node, (child) => visit(child, found));
}

function fromConstructor(node: ts.NewExpression): CatalogueEntry[] {
  const [options] = node.arguments ?? [];
  if (!options || !ts.isObjectLiteralExpression(options)) return [];
  const member = (name: string): ts.Expression | undefined => {
    const property = options.properties.find((candidate) => candidate.name?.getText() === name);
    return property && ts.isPropertyAssignment(property) ? property.initializer : undefined;
  };
  const code = member('code');
  const [kind = 'varies'] = literals(member('kind'));
  return literals(code).map((text) => ({ code: text, kind, message: textOf(member('message')) }));
}

/** String literals in an expression, for `full ? 'A.B' : 'A.C'`. */
function literals(node: ts.Expression | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteral(node)) return [node.text];
  return ts.isConditionalExpression(node) ? [...literals(node.whenTrue), ...literals(node.whenFalse)] : [];
}

function textOf(node: ts.Node | undefined): string {
  if (node === undefined) return '…';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
  if (ts.isBinaryExpression(node)) return textOf(node.left) + textOf(node.right);
  if (ts.isConditionalExpression(node)) return `${textOf(node.whenTrue)} / ${textOf(node.whenFalse)}`;
  return '…';
}
