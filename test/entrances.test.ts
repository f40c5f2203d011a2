/**
 * Every layer's public face can be the first thing that a program imports. Modules that import each other in a circle load or
 * fail by who comes first, and vitest loads them otherwise than Node does: so each is loaded by a Node of its own, from the
 * sources, as benches and workers are.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/foundation/index.js';

const run = promisify(execFile);

const layers = readdirSync(join(packageRoot, 'src')).filter((name) =>
  existsSync(join(packageRoot, 'src', name, 'index.ts')),
);

async function exportsOf(layer: string): Promise<string[]> {
  const program = `console.log(JSON.stringify(Object.keys(await import('./src/${layer}/index.ts'))))`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: packageRoot,
  });
  return JSON.parse(stdout) as string[];
}

describe('imported first, under Node with tsx,', () => {
  it('are all layers with a public face', () => {
    expect(layers).toEqual(expect.arrayContaining(['foundation', 'graph', 'engine', 'prover']));
  });

  it.each(layers)('%s gives what it exports', async (layer) => {
    expect((await exportsOf(layer)).length).toBeGreaterThan(0);
  });
});
