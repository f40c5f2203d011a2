/** Averages over states: the mean of the method at each of them. */
import { describe, expect, it } from 'vitest';
import { explicitInfluence, findMethod, overStates } from '../../../src/influence/index.js';
import { linear } from '../../../src/models/index.js';
import { cloud } from '../../models/tiny.js';
import { attributionOf, scoresOf } from '../dense/attribution.js';

const samples = cloud(30, 4, 3, 1);
const outputs = cloud(6, 4, 3, 2);
const attribution = await attributionOf(linear(4, 3), samples, { seeds: [1, 2] });

describe.each(['explicit', 'ekfac', 'grad-cosine'])('%s over states', (name) => {
  const method = findMethod(name);
  const averaged = overStates(method, '1,3');

  it('is the mean of the states', async () => {
    const at = async (epoch: number) => (await scoresOf(method, attribution, outputs, { epoch })).data;
    const [one, three] = [await at(1), await at(3)];
    const { data } = await scoresOf(averaged, attribution, outputs);
    const size = Math.max(...data.map(Math.abs));
    for (const [i, x] of data.entries()) expect(Math.abs(x - (one[i] + three[i]) / 2) / size).toBeLessThan(1e-5);
    expect(averaged.name).toBe(`${name} (checkpoints)`);
    expect(averaged.needs).toContain('checkpoints');
  });

  it('is the method itself with one state', async () => {
    const single = await scoresOf(averaged, attribution, outputs, { epochs: '2' });
    const { data } = await scoresOf(method, attribution, outputs, { epoch: 2 });
    const size = Math.max(...data.map(Math.abs));
    for (const [i, x] of single.data.entries()) expect(Math.abs(x - data[i]) / size).toBeLessThan(1e-6);
    await expect(scoresOf(averaged, attribution, outputs, { epochs: '1,9' })).rejects.toThrow(/no state of epoch 9/);
  });
});

it('sweeps settings of several lists of epochs in their order', async () => {
  const averaged = overStates(explicitInfluence, '1,3');
  const settings = [
    { ...averaged.defaults, damping: 0.1 },
    { ...averaged.defaults, damping: 0.1, epochs: '2' },
    { ...averaged.defaults, damping: 1 },
  ];
  const swept: Float32Array[] = [];
  for await (const { data } of averaged.sweep!(attribution, settings, outputs)) swept.push(data);
  for (const [s, setting] of settings.entries()) {
    const alone = (await scoresOf(averaged, attribution, outputs, setting)).data;
    const size = Math.max(...alone.map(Math.abs));
    for (const [i, x] of alone.entries()) expect(Math.abs(swept[s][i] - x) / size).toBeLessThan(1e-5);
  }
});
