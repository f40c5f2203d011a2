/** The pool starts from compiled JavaScript as it does from the sources: an installed Meed has no TypeScript. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cacheFolder, packageRoot } from '../../src/foundation/index.js';

let folder: string;
beforeAll(() => {
  // below the package, so that compiled modules find its packages
  mkdirSync(cacheFolder(), { recursive: true });
  folder = mkdtempSync(join(cacheFolder(), 'compiled-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('runs jobs on threads without tsx', () => {
  const project = {
    extends: join(packageRoot, 'tsconfig.json'),
    compilerOptions: { outDir: folder, rootDir: packageRoot, declaration: false, sourceMap: false },
    files: [join(packageRoot, 'src/work/index.ts'), join(packageRoot, 'test/work/testTasks.ts')],
    include: [join(packageRoot, 'test/work/*.task.ts')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  const tsc = join(packageRoot, 'node_modules/typescript/bin/tsc');
  const compiled = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  expect(compiled.stdout).toBe('');
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(folder, path)).href);
  const program = `
    import { localPool, probePool, runMap } from ${url('src/work/index.js')};
    import behave from ${url('test/work/behave.task.js')};
    const where = localPool({ workers: 2, memoryBytes: 1e9 });
    await probePool(where);
    console.log(JSON.stringify(await runMap(behave, [2, 3].map((x) => ({ does: 'square', x })), { where })));
    await where.close();`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toBe('[4,9]\n');
});
