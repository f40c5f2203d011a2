/** What forge tests is compiled as what is deployed. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { COMPILER_SETTINGS } from '../../src/chain/compile.js';
import { resourcePath } from '../../src/foundation/index.js';

it('foundry.toml has the settings with which contracts are deployed', async () => {
  const toml = await readFile(resourcePath('foundry.toml'), 'utf8');
  const setting = (name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(toml)?.[1];
  expect(setting('optimizer')).toBe(String(COMPILER_SETTINGS.optimizer.enabled));
  expect(setting('optimizer_runs')?.replaceAll('_', '')).toBe(String(COMPILER_SETTINGS.optimizer.runs));
  expect(setting('via_ir')).toBe(String(COMPILER_SETTINGS.viaIR));
  expect(setting('evm_version')).toBe(`'${COMPILER_SETTINGS.evmVersion}'`);
});
