/** Layers import downwards only (the order of the design): a file may import its own folder and those before it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/foundation/index.js';

const LAYERS = [
  'foundation',
  'work',
  'artefact',
  'data',
  'graph',
  'engine',
  'linalg',
  'models',
  'influence',
  'prover',
  'incentives',
  'chain',
  'report',
  'cli',
] as const;

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(folder: string): Import[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const file = join(folder, name);
      const text = readFileSync(file, 'utf8');
      return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => ({
        from: relative(packageRoot, file),
        to: relative(packageRoot, resolve(dirname(file), match[1])),
      }));
    });
}

function layerOf(path: string): string {
  const [top, folder] = path.split(/[\\/]/);
  return top === 'src' ? folder : top;
}

describe('layers', () => {
  const imports = [...importsOf(join(packageRoot, 'src')), ...importsOf(join(packageRoot, 'datasets'))];

  it('sees the sources', () => {
    expect(imports.length).toBeGreaterThan(200);
    for (const layer of LAYERS) expect(imports.some(({ from }) => layerOf(from) === layer)).toBe(true);
  });

  it('import downwards only', () => {
    const upwards = imports.filter(({ from, to }) => {
      const [source, target] = [layerOf(from), layerOf(to)];
      if (source === 'index.ts' || source === 'types') return false;
      if (source === 'datasets') return !['datasets', 'data', 'artefact', 'foundation'].includes(target);
      if (target === 'datasets') return source !== 'cli';
      return LAYERS.indexOf(target as (typeof LAYERS)[number]) > LAYERS.indexOf(source as (typeof LAYERS)[number]);
    });
    expect(upwards).toEqual([]);
  });

  it('keep what was planted away from every stage: only the report and the command line read it', () => {
    const readers = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' })
      .filter(
        (name) =>
          name.endsWith('.ts') && readFileSync(join(packageRoot, 'src', name), 'utf8').includes('readEvaluation'),
      )
      .map((name) => name.split(/[\\/]/)[0]);
    expect(new Set(readers)).toEqual(new Set(['data', 'report', 'cli']));
  });
});
