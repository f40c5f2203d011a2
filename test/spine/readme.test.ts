/** What the README shows as a library is TypeScript that compiles against the package as it is. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/foundation/index.js';
import { temporaryFolder } from './support/command.js';

const folder = temporaryFolder();
const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);

/** What the compiler says of the examples; what it says of other files is for `npm run check`. */
function complaints(codes: readonly string[]): string[] {
  const files = codes.map((code, i) => {
    const file = `example${i}.ts`;
    writeFileSync(join(folder, file), code);
    return file;
  });
  const compilerOptions = {
    noEmit: true,
    noUnusedLocals: false,
    rootDir: '/',
    types: ['node'],
    typeRoots: [join(packageRoot, 'node_modules', '@types')],
    paths: { meed: [join(packageRoot, 'src', 'index.ts')] },
  };
  const config = { extends: join(packageRoot, 'tsconfig.json'), compilerOptions, include: [], files };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const compiler = join(packageRoot, 'node_modules', '.bin', 'tsc');
  const { stdout } = spawnSync(compiler, ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => /example\d+\.ts|tsconfig\.json|error TS\d+: (No|Option)/.test(line));
}

it('shows examples that compile', () => {
  expect(examples.length).toBeGreaterThan(1);
  expect(complaints(examples)).toEqual([]);
  // and the check sees what does not
  expect(complaints([examples[0].replace("'meed'", "'meed'; prover.nothing()")])).toEqual([
    expect.stringMatching(/nothing/),
  ]);
});
