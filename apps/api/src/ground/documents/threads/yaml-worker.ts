import { describeError } from '@millrace/core';
import { serveWork } from '../../concurrency/serve-work';
import { yamlObstacle } from '../yaml-shape';
import { type ParsedYaml, parseYaml } from './parse-yaml';

serveWork((text: string): ParsedYaml => {
  // Before the parser, whose cost would be too much for some texts.
  const obstacle = yamlObstacle(text);
  if (obstacle !== undefined) return { reason: `${obstacle.reason} (line ${obstacle.line})` };
  try {
    return parseYaml(text);
  } catch (error) {
    // Whatever the parser throws is reported as an error of the document.
    return { reason: describeError(error) };
  }
});
