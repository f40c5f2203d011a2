/** What is opened together is closed when a later part cannot be opened; scores that are no numbers are refused. */
import { describe, expect, it } from 'vitest';
import { type CompileOptions, cpuEngine, type Engine, type Program } from '../../src/engine/index.js';
import type { Graph, Precision } from '../../src/graph/index.js';
import { finiteScores } from '../../src/influence/finiteScores.js';
import {
  astraMethod,
  dataInfMethod,
  ekfacMethod,
  gradCosine,
  gradDotMethod,
  inRunSecondOrder,
  loGraMethod,
  type Method,
  spectralSketch,
  trakDual,
} from '../../src/influence/index.js';

import { openTogether } from '../../src/influence/openTogether.js';
import { marginLosses, mlp } from '../../src/models/index.js';
import { cloud } from '../models/tiny.js';
import { attributionAt, attributionOf, scoresOf } from './dense/attribution.js';

describe('things opened together', () => {
  it('are closed from the last to the first when one cannot be opened, and left open otherwise', async () => {
    const closed: string[] = [];
    const opening = async (name: string) => ({
      async dispose() {
        closed.push(name);
      },
    });
    const failed = openTogether(async (keep) => {
      await keep(opening('first'));
      await keep(opening('second'));
      throw new Error('the third does not open');
    });
    await expect(failed).rejects.toThrow('the third does not open');
    expect(closed).toEqual(['second', 'first']);
    const both = await openTogether(async (keep) => [await keep(opening('a')), await keep(opening('b'))]);
    expect(both).toHaveLength(2);
    expect(closed).toHaveLength(2);
  });
});

/** The CPU engine with a count of open programs, which compiles so many and no more. */
function counted(most: number): { readonly engine: Engine; open(): number; compiled(): number } {
  const own = cpuEngine();
  let [open, compiled] = [0, 0];
  const engine: Engine = {
    ...own,
    async compile<P extends Precision = 'float32', Kept extends string = never>(
      graph: Graph,
      options?: CompileOptions<P, Kept>,
    ): Promise<Program<P, Kept>> {
      if (compiled >= most) throw new Error('no more programs');
      const program = await own.compile(graph, options);
      compiled++;
      open++;
      return {
        ...program,
        async dispose() {
          open--;
          await program.dispose();
        },
      };
    },
  };
  return { engine, open: () => open, compiled: () => compiled };
}

describe('a method of which a program does not compile', () => {
  const model = mlp([4, 5, 3]);
  const samples = cloud(12, 4, 3, 1);
  const outputs = cloud(3, 4, 3, 2);
  const methods: readonly (readonly [string, Method, Record<string, number | string>])[] = [
    ['grad-dot', gradDotMethod, {}],
    ['grad-cosine', gradCosine, {}],
    ['ekfac', ekfacMethod, {}],
    ['datainf', dataInfMethod, {}],
    ['astra', astraMethod, { steps: 2 }],
    ['logra', loGraMethod, { rank: 2, projection: 'pca' }],
    ['trak-dual', trakDual, {}],
    ['spectral-sketch', spectralSketch, { columns: 4, of: 'grad-dot' }],
    ['in-run-second-order', inRunSecondOrder, {}],
  ];

  it.each(methods)('leaves none open: %s', async (_, method, settings) => {
    const trained = { ...(await attributionOf(model, samples)), calibration: cloud(6, 4, 3, 3) };
    const whole = counted(Number.POSITIVE_INFINITY);
    const options = { target: marginLosses };
    await scoresOf(method, { ...trained, engine: whole.engine }, outputs, settings, samples, options);
    expect(whole.open()).toBe(0);
    expect(whole.compiled()).toBeGreaterThan(1);
    for (let most = 0; most < whole.compiled(); most++) {
      const few = counted(most);
      const asked = scoresOf(method, { ...trained, engine: few.engine }, outputs, settings, samples, options);
      await expect(asked).rejects.toThrow('no more programs');
      expect([most, few.open()]).toEqual([most, 0]);
    }
  });
});

describe('scores that are not finite', () => {
  it('are refused with the place where they stand', () => {
    const data = Float32Array.of(1, 2, 3, 4, Number.NaN, 6);
    expect(() => finiteScores('method', { shape: [2, 3], data })).toThrow(/output 1 and sample 1 the score NaN/);
    const fine = { shape: [1, 2], data: Float32Array.of(0, -1) };
    expect(finiteScores('method', fine)).toBe(fine);
  });

  it('are what weights that diverged give', async () => {
    const model = mlp([4, 3]);
    const broken = attributionAt(model, cloud(5, 4, 3, 1), [new Float32Array(15).fill(Number.NaN)]);
    await expect(scoresOf(gradDotMethod, broken, cloud(2, 4, 3, 2))).rejects.toThrow(/grad-dot gives output 0/);
  });
});
