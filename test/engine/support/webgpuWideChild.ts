/** What test/engine/webgpuWide.test.ts asks of a strict WebGPU, each answer a line of JSON. */
import { writeSync } from 'node:fs';
import { openEngine } from '../../../src/engine/index.js';
import { messageOf } from '../../../src/foundation/index.js';
import { checkCase } from './operatorCheck.js';
import { wideCases } from './wideShapes.js';

const engine = await openEngine({ engine: 'onnxruntime', device: 'webgpu', threads: 1, strict: 'strict' });
for (const one of wideCases) {
  const value = await checkCase(engine, one).catch((error) => ({ failed: messageOf(error) }));
  writeSync(1, `${JSON.stringify({ key: one.name, value })}\n`);
}
