import { runParser } from './run-parser';

void runParser(process.argv.slice(2), { input: process.stdin, output: process.stdout, errors: process.stderr }).then(
  (code) => {
    process.exitCode = code;
  },
);
