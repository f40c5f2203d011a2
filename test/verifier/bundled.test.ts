/**
 * The verifier as it is published: small, standing on nothing of ours, and the same in Node and in Chromium.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/foundation/index.js';
import { findChromium, openChromium } from '../report/browser.js';
import { makeBundle } from './support/bundle.js';

const OWN_CODE_MAX = 50_000;
const executable = findChromium();
if (executable === undefined) {
  console.warn('No Chromium was found in /usr/bin, the PATH or CHROME_PATH: the verifier is not run in a browser');
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'meed-verifier-'));
  execFileSync(process.execPath, [join(packageRoot, 'scripts', 'verifier.mjs'), folder]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is less than 50 kB of our own code, and stands on two libraries', () => {
  const own = readFileSync(join(folder, 'index.js'), 'utf8');
  const whole = readFileSync(join(folder, 'meed-verifier.min.js'), 'utf8');
  expect(Buffer.byteLength(own)).toBeGreaterThan(5_000);
  expect(Buffer.byteLength(own)).toBeLessThan(OWN_CODE_MAX);
  const imports = [...own.matchAll(/from\s*"([^"]+)"/g)].map(([, name]) => name);
  expect(new Set(imports)).toEqual(new Set(['@noble/curves/bn254.js', '@noble/hashes/sha3.js']));
  expect(whole).not.toMatch(/\bfrom\s*"|\bimport\s*\(|\brequire\s*\(/);
  expect(Buffer.byteLength(whole)).toBeGreaterThan(Buffer.byteLength(own));
});

it('imports nothing but its own files and its two libraries', () => {
  const source = join(packageRoot, 'packages', 'verifier', 'src');
  const names = readdirSync(source);
  expect(names.length).toBeGreaterThan(8);
  const strays = names.flatMap((name) =>
    [...readFileSync(join(source, name), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)]
      .map(([, from]) => from)
      .filter((from) => !/^(\.\/\w+\.js|@noble\/curves\/bn254\.js|@noble\/hashes\/sha3\.js)$/.test(from)),
  );
  expect(strays).toEqual([]);
});

/** Where the verdicts come from: the same module, here and in a page. */
const forged = (text: string): string => text.replace('"shard":0,"batch":1', '"shard":1,"batch":1');

it('judges in Node from the one file', async () => {
  const { verifyEpoch } = (await import(pathToFileURL(join(folder, 'meed-verifier.min.js')).href)) as {
    verifyEpoch(input: unknown): Promise<{ ok: boolean }>;
  };
  const text = JSON.stringify(makeBundle());
  expect((await verifyEpoch(text)).ok).toBe(true);
  expect((await verifyEpoch(forged(text))).ok).toBe(false);
});

describe.skipIf(executable === undefined)('in Chromium', () => {
  it('judges an honest and a changed bundle, and leaves the page answering', { timeout: 120_000 }, async () => {
    const text = JSON.stringify(makeBundle());
    const script = readFileSync(join(folder, 'meed-verifier.min.js')).toString('base64');
    const context = await openChromium(executable ?? '');
    try {
      const tab = await context.newPage();
      const complaints: string[] = [];
      tab.on('pageerror', (error) => complaints.push(error.message));
      // as text, so that nothing rewrites the import on its way to the page
      await tab.evaluate(
        `import('data:text/javascript;base64,${script}').then((m) => { window.verifyEpoch = m.verifyEpoch; })`,
      );
      const judge = (bundle: string) =>
        tab.evaluate(async (input) => {
          const { verifyEpoch } = window as typeof window & {
            verifyEpoch: (
              input: unknown,
            ) => Promise<{ ok: boolean; checks: { name: string; ok: boolean; sentence: string }[] }>;
          };
          let turns = 0;
          const timer = setInterval(() => turns++, 1);
          const { ok, checks } = await verifyEpoch(input);
          clearInterval(timer);
          return { ok, turns, failing: checks.filter((check) => !check.ok).map((check) => check.name) };
        }, bundle);
      const honest = await judge(text);
      expect(honest.failing).toEqual([]);
      expect(honest.ok).toBe(true);
      expect(honest.turns).toBeGreaterThan(0);
      const changed = await judge(forged(text));
      expect(changed.ok).toBe(false);
      expect(changed.failing).toContain('completeness');
      expect((await judge('garbage')).failing).toEqual(['format']);
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
    }
  });
});
