/** Cached folders: whole or absent, whatever happens while they are made. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedFolder } from '../../src/prover/cached.js';

describe('a cached folder', () => {
  const before = process.env.MEED_CACHE;
  let cache = '';
  let fills = 0;
  const fill = async (staging: string): Promise<void> => {
    fills++;
    await writeFile(join(staging, 'content'), 'the content');
  };
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'meed-cache-'));
    process.env.MEED_CACHE = cache;
    fills = 0;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env.MEED_CACHE;
    else process.env.MEED_CACHE = before;
    await rm(cache, { recursive: true });
  });

  it('is filled once for callers at the same time and callers after', async () => {
    const folders = await Promise.all([1, 2, 3].map(() => cachedFolder('a', fill)));
    folders.push(await cachedFolder('a', fill));
    expect(fills).toBe(1);
    expect(new Set(folders)).toEqual(new Set([join(cache, 'a')]));
  });

  it('is made again when a file of it was cut short or lost', async () => {
    const folder = await cachedFolder('b', fill);
    await writeFile(join(folder, 'content'), 'the con');
    await cachedFolder('b', fill);
    expect(await readFile(join(folder, 'content'), 'utf8')).toBe('the content');
    await rm(join(folder, 'content'));
    await cachedFolder('b', fill);
    expect(await readFile(join(folder, 'content'), 'utf8')).toBe('the content');
    expect(fills).toBe(3);
  });

  it('leaves nothing behind when making it fails, and can be made afterwards', async () => {
    const failing = async (staging: string): Promise<void> => {
      await fill(staging);
      throw new Error('no space');
    };
    await expect(cachedFolder('c', failing)).rejects.toThrow('no space');
    expect(await readdir(cache)).toEqual([]);
    await cachedFolder('c', fill);
    expect(await readdir(cache)).toEqual(['c']);
  });
});
