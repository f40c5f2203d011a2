import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { cacheFolder, packageRoot, resourcePath } from '../../src/foundation/index.js';

describe('paths', () => {
  it('find the package that the sources belong to', () => {
    expect(JSON.parse(readFileSync(resourcePath('package.json'), 'utf8')).name).toBe('meed');
    expect(resourcePath('circuits').startsWith(packageRoot)).toBe(true);
  });

  it('let MEED_CACHE move the cache', () => {
    vi.stubEnv('MEED_CACHE', '/elsewhere');
    expect(cacheFolder()).toBe('/elsewhere');
    vi.unstubAllEnvs();
  });
});
