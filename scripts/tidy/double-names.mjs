import { basename } from 'node:path';

const DECLARATION =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:class|interface|type|function\*?|const|enum) (\w+)/gm;
/** Code of an app or a library that a reader may meet; specs and what tests share are read beside what they test. */
const SOURCE = /^(apps|libs)\/[^/]+\/src\/.*\.tsx?$/;
const LEFT_OUT = /\.spec\.tsx?$|\/generated\//;
/** The function that makes an error is read with its feature, as the error's code is. */
const ERRORS = /\.errors\.ts$/;

/**
 * One name, one meaning: an exported name is declared once in all apps and libraries, the maker of an error once in
 * its own.
 */
export function doubleNames({ paths, read }) {
  /** Name -> the files that declare it. */
  const declared = new Map();
  for (const path of paths.filter((each) => SOURCE.test(each) && !LEFT_OUT.test(each))) {
    const home = ERRORS.test(path) ? path.split('/').slice(0, 2).join('/') : '';
    // A function with several signatures declares its name in one file more than once.
    for (const name of new Set([...read(path).matchAll(DECLARATION)].map((match) => match[1]))) {
      const key = `${home} ${name}`;
      declared.set(key, [...(declared.get(key) ?? []), path]);
    }
  }
  return [...declared].flatMap(([key, files]) => {
    const name = key.split(' ')[1];
    const [first, ...others] = files;
    return others.map((path) => ({
      path,
      message: `exports ${name}, as ${basename(first)} does (${first}): import it, or call one of them what it is`,
    }));
  });
}
