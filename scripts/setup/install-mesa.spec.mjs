import { expect, it } from 'vitest';
import { rootCommand } from './install-mesa.mjs';

it('names a command for root that works from any folder, with sudo or without', () => {
  expect(rootCommand(true, '/opt/node/bin/node', '/m/install.mjs')).toBe('sudo /opt/node/bin/node /m/install.mjs');
  expect(rootCommand(false, '/opt/node/bin/node', '/m/install.mjs')).toBe("su -c '/opt/node/bin/node /m/install.mjs'");
  expect(rootCommand(false, '/opt/node', '/my files/install.mjs')).toBe(`su -c '/opt/node "/my files/install.mjs"'`);
  expect(rootCommand(true)).toMatch(/^sudo \/.*node.* \/.*\/scripts\/setup\/install-mesa\.mjs$/);
});
