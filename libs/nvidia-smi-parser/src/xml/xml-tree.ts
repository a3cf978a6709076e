import { SaxesParser } from 'saxes';
import { NvidiaSmiParseError, positionAt } from '../parse-error';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  /** Its own text, without that of its children. */
  text: string;
}

const DEPTH_MAX = 32;
/** Stands for a lone `&` while the parser runs: it has the same length, so that positions stay true. */
const AMPERSAND = '\uF8FE';
const LONE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6});)/gi;
/** Characters that XML 1.0 does not allow, and which process names can hold all the same. */
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu;

/**
 * The root element of `text.slice(start, end)`. Entities other than XML's own five and numbers stay text: a document
 * type can define none, so that nothing expands.
 */
export function parseXmlTree(text: string, start: number, end: number): XmlElement {
  const parser = new SaxesParser();
  const stack: XmlElement[] = [];
  let root: XmlElement | null = null;
  const failAt = (code: 'TRUNCATED' | 'MALFORMED', message: string): never => {
    throw new NvidiaSmiParseError(code, message, positionAt(text, start + parser.position));
  };

  parser.on('error', (error) => failAt('MALFORMED', `not well-formed XML: ${reasonOf(error)}`));
  parser.on('opentag', (tag) => {
    if (stack.length >= DEPTH_MAX) failAt('MALFORMED', `elements nested deeper than ${DEPTH_MAX}`);
    const attributes = Object.entries(tag.attributes).map(([key, value]) => [key, restore(value)]);
    const element = { name: tag.name, attributes: Object.fromEntries(attributes), children: [], text: '' };
    stack.at(-1)?.children.push(element);
    root ??= element;
    stack.push(element);
  });
  const append = (part: string): void => {
    const element = stack.at(-1);
    if (element) element.text += restore(part);
  };
  parser.on('text', append);
  parser.on('cdata', append);
  parser.on('closetag', () => stack.pop());

  parser.write(text.slice(start, end).replace(LONE_AMPERSAND, AMPERSAND).replace(FORBIDDEN, '\uFFFD'));
  // What the parser misses at the end of the text was cut off.
  parser.on('error', (error) => failAt('TRUNCATED', `the output stops in the middle: ${reasonOf(error)}`));
  parser.close();
  return root ?? failAt('TRUNCATED', 'the output stops before its first element');
}

/** The element at a path of direct children, the first where several have the name. */
export function childAt(element: XmlElement, path: string): XmlElement | undefined {
  let found: XmlElement | undefined = element;
  for (const name of path.split('/')) found = found?.children.find((child) => child.name === name);
  return found;
}

function restore(text: string): string {
  return text.replaceAll(AMPERSAND, '&');
}

/** saxes puts its own line and column in front. */
function reasonOf(error: Error): string {
  return error.message.replace(/^\d+:\d+: /, '');
}
