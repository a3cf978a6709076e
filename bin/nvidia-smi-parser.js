#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '../dist/libs/nvidia-smi-parser/src/command/main.js');
if (existsSync(main)) {
  require(main);
} else {
  console.error('nvidia-smi-parser is not built yet: run `npm run setup` in its folder first');
  process.exitCode = 1;
}
