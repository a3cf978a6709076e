#!/usr/bin/env node
/** House rules about files. `npm run lint` runs it; scripts/tidy/tidy.spec.mjs shows what each rule says. */
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { ROOT } from './process/stamp.mjs';
import { readTree } from './tidy/read-tree.mjs';
import { nameRules } from './tidy/name-rules.mjs';
import { textRules } from './tidy/text-rules.mjs';
import { wgslRules } from './tidy/wgsl-rules.mjs';
import { documentRules } from './tidy/document-rules.mjs';
import { doubleNames } from './tidy/double-names.mjs';
import { ratchetRules } from './tidy/ratchet-rules.mjs';
import { scheduleNames } from './tidy/schedule-names.mjs';
import { sdkCallers } from './tidy/sdk-callers.mjs';

/** All findings of a tree, as `path:line: message`, sorted. */
export function tidy(root) {
  const tree = readTree(root);
  const rules = [nameRules, textRules, wgslRules, documentRules, doubleNames, ratchetRules, sdkCallers, scheduleNames];
  return rules
    .flatMap((each) => each(tree))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : (a.line ?? 0) - (b.line ?? 0)))
    .map(({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}: ${message}`);
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const findings = tidy(ROOT);
  for (const finding of findings) console.error(finding);
  exit(findings.length === 0 ? 0 : 1);
}
