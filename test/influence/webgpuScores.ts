/** What invariance.test.ts asks of WebGPU in a process of its own: each subject's scores, a line of JSON. */
import { writeSync } from 'node:fs';
import { openEngine } from '../../src/engine/index.js';
import { pathScorer } from '../../src/influence/index.js';
import { selectSamples } from '../../src/models/index.js';
import { allSubjects, WEBGPU_ROWS } from './subjects.js';

const first = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const engine = await openEngine({ engine: 'onnxruntime', device: 'webgpu', threads: 1, strict: 'lenient' });
for (const { name, others, model, states, outputs, samples } of await allSubjects()) {
  if (!others.includes('webgpu')) continue;
  const about = { name: 'path', scale: '', additivity: 'relative' } as const;
  const scorer = await pathScorer(engine, model, states, about);
  const { data } = await scorer.score(
    selectSamples(outputs, first(WEBGPU_ROWS.outputs)),
    selectSamples(samples, first(WEBGPU_ROWS.samples)),
  );
  writeSync(1, `${JSON.stringify([name, [...data]])}\n`);
}
