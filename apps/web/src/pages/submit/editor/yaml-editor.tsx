import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { yaml } from '@codemirror/legacy-modes/mode/yaml';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { type ReactNode, useEffect, useRef } from 'react';
import type { SpecError } from '../spec-document';

interface YamlEditorProps {
  readonly label: string;
  readonly text: string;
  readonly errors: readonly SpecError[];
  readonly onChange: (text: string) => void;
}

/**
 * A CodeMirror editor for YAML that marks errors where they stand. The Tab key moves the focus on, as everywhere else.
 */
export function YamlEditor({ label, text, errors, onChange }: YamlEditorProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    // In a shadow root CodeMirror adds its styles as sheets. In the page itself it would add a style element, which the
    // content security policy refuses.
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    const made = new EditorView({
      state: EditorState.create({ doc: text, extensions: extensions(label, (changed) => latest.current(changed)) }),
      parent: root,
      root,
    });
    view.current = made;
    return () => made.destroy();
    // The text it begins with; later ones are set below.
  }, [label]);
  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    const editor = view.current;
    if (editor === null) return;
    const end = editor.state.doc.length;
    const diagnostics = errors.map(({ from, to, path, message }) => ({
      from: Math.min(from, end),
      to: Math.min(to, end),
      severity: 'error' as const,
      message: `${path === '' ? '' : `${path}: `}${message}`,
    }));
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [errors, text]);
  return <div ref={host} className="editor" />;
}

function extensions(label: string, onChange: (text: string) => void): Extension[] {
  return [
    lineNumbers(),
    history(),
    bracketMatching(),
    highlightActiveLine(),
    lintGutter(),
    StreamLanguage.define(yaml),
    syntaxHighlighting(COLOURS),
    keymap.of([...defaultKeymap, ...historyKeymap]),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
    LOOK,
  ];
}

const COLOURS = HighlightStyle.define([
  { tag: tags.atom, color: 'var(--busy)' },
  { tag: [tags.number, tags.keyword], color: 'var(--good)' },
  { tag: tags.string, color: 'var(--wait)' },
  { tag: tags.comment, color: 'var(--text-quiet)', fontStyle: 'italic' },
  { tag: tags.meta, color: 'var(--text-quiet)' },
]);

const LOOK = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--surface)', color: 'var(--text)', fontSize: '13px' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', minHeight: '420px' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--text-quiet)', border: '0' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 9%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line)' },
});
