#!/usr/bin/env node
/**
 * Prints the WebGPU adapter of this environment as JSON, or null. A process of its own, because a driver may crash,
 * and because it reads its settings from the environment once.
 */
import { create } from 'webgpu';

const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' });
// An adapter without a device is of no use: some drivers list one and then refuse.
const device = await adapter?.requestDevice().catch(() => null);
const { vendor, device: name, description, isFallbackAdapter } = adapter?.info ?? {};
const software = isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader/i.test(`${name} ${description}`);
const result = device ? { vendor, description: description || name, software } : null;
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
