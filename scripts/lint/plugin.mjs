import { relative, sep } from 'node:path';

/** House rules that no published plugin has. Each message says what to do instead. */

const POSITIONAL_MAX = 3;
const DEPENDENCIES_MAX = 6;

/**
 * ESLint's own max-params knows no constructors, whose parameters Nest fills in by type. More than six of them are a
 * sign that a class does more than one thing, and no proof: `dependencies` says which files may have more, and why.
 */
const maxParams = {
  meta: {
    type: 'suggestion',
    schema: [{ type: 'object', properties: { dependencies: { type: 'object' } } }],
    messages: {
      positional:
        'This function takes {{count}} positional parameters, at most {{max}} are readable: group the rest in an options object.',
      dependencies:
        'This constructor takes {{count}} dependencies, and more than {{max}} want a reason: split the class if it ' +
        'does more than one thing, else state the reason in scripts/tidy/ratchet.json.',
      slack:
        'No constructor here takes more than {{count}} dependencies, and scripts/tidy/ratchet.json allows ' +
        '{{allowed}}: {{next}}.',
    },
  },
  create(context) {
    const path = relative(context.cwd, context.filename).replaceAll(sep, '/');
    const allowed = context.options[0]?.dependencies?.[path]?.count;
    let mostCount = 0;
    const check = (node) => {
      const isConstructor = node.parent.type === 'MethodDefinition' && node.parent.kind === 'constructor';
      const max = isConstructor ? (allowed ?? DEPENDENCIES_MAX) : POSITIONAL_MAX;
      // Whoever passes a callback to a library does not choose its parameters.
      const isCallback = node.parent.type === 'CallExpression' && node.parent.arguments.includes(node);
      // What Nest fills in by a decorator is a controller's request, or a value such as a clock, and no collaborator.
      const count = node.params.filter((parameter) => !parameter.decorators?.length).length;
      if (isConstructor) mostCount = Math.max(mostCount, count);
      if (count <= max || isCallback) return;
      const messageId = isConstructor ? 'dependencies' : 'positional';
      context.report({ node, messageId, data: { count, max } });
    };
    const end = (node) => {
      if (allowed === undefined || mostCount >= allowed) return;
      const next = mostCount <= DEPENDENCIES_MAX ? 'remove the exception' : `lower it to ${mostCount}`;
      context.report({ node, messageId: 'slack', data: { count: mostCount, allowed, next } });
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
      'Program:exit': end,
    };
  },
};

const noCurrentDate = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { clock: '`new Date()` reads the wall clock: take a Clock or the time as a parameter.' },
  },
  create(context) {
    return {
      'NewExpression[callee.name="Date"][arguments.length=0]': (node) => context.report({ node, messageId: 'clock' }),
    };
  },
};

const RESTRICTED_SYNTAX = {
  defaultExport: {
    selector: 'ExportDefaultDeclaration',
    message: 'Export by name: a default export is called differently in every file that imports it.',
  },
  enum: {
    selector: 'TSEnumDeclaration',
    message: "Use a union of strings ('a' | 'b'): it needs no import and prints as what it is.",
  },
  bareError: {
    selector: 'ThrowStatement > NewExpression[callee.name="Error"]',
    message:
      'Throw an AppError made by a function in the x.errors.ts of this feature; for a bug, assert() from @millrace/core.',
  },
};

export const millracePlugin = { rules: { 'max-params': maxParams, 'no-current-date': noCurrentDate } };

/** `no-restricted-syntax` takes one list, which a later entry replaces whole: name the parts wanted. */
export function restrictSyntax(...names) {
  return ['error', ...names.map((name) => RESTRICTED_SYNTAX[name])];
}
