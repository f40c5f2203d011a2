/**
 * Seconds of exact gradient products of all samples with all queries, compiled programs at hand. The floor is the kernel's
 * own multiplications, at the rate that one large product reaches on the same engine in the same minute.
 */
import { gradDotMethod, type RetrainingOptions, type Setting, trainRuns } from '../../src/influence/index.js';
import { openProducts } from '../../src/linalg/index.js';

const ROUNDS = 7;
const EXTENT = 1024;

export async function gradDotSeconds(setting: Setting, work: RetrainingOptions) {
  const { engine, model, samples, evaluation } = setting;
  const runs = await trainRuns(setting, setting.runs, work);
  const attribution = { engine, model, samples, runs, seed: setting.seed };
  const scorer = await gradDotMethod.open(attribution, gradDotMethod.defaults);
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const begun = performance.now();
    await scorer.score(evaluation, samples);
    if (round > 0) times.push((performance.now() - begun) / 1000);
  }
  await scorer.dispose();
  const inner = model.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a + b, 0), 0);
  const operations = 2 * samples.rows * evaluation.rows * inner;
  const median = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)];
  return { median, times, operations, floor: operations / (await productRate(engine)) };
}

/** Operations a second of one product, best of several. */
async function productRate(engine: Setting['engine']): Promise<number> {
  const products = openProducts(engine);
  const square = { shape: [EXTENT, EXTENT], data: new Float32Array(EXTENT * EXTENT).fill(0.5) };
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    await products.multiply('ab', square, square);
    best = Math.max(best, (2 * EXTENT ** 3) / ((performance.now() - begun) / 1000));
  }
  await products.dispose();
  return best;
}
