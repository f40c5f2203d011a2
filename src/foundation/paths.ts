/**
 * Where Meed's own files lie (circuits, contracts, the cache), the same from the sources and from `dist/`: the nearest
 * folder upwards that holds Meed's package.json.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && readFileSync(file, 'utf8').includes('"name": "meed"')) return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json of meed not found above its own source');
    folder = parent;
  }
}

export const packageRoot = findRoot();

export function resourcePath(...parts: readonly string[]): string {
  return join(packageRoot, ...parts);
}

/** Compiled circuits, keys and contracts: MEED_CACHE, or `.cache` in the package's folder. */
export function cacheFolder(): string {
  return process.env.MEED_CACHE ?? join(packageRoot, '.cache');
}
