#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '../dist/apps/cli/src/main.js');
if (existsSync(main)) {
  require(main);
} else {
  console.error('millrace is not built yet: run `npm run setup` in its folder first');
  process.exitCode = 1;
}
