/**
 * Runs a notebook from top to bottom in a Node of its own, as a reader would in a fresh kernel, and gives every cell what it
 * showed. The module that runs is the source itself with a call in place of each marker, line for line, so that an error's
 * line is the source's. It lies in the project's ignored cache folder because imports are resolved from where a file is.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MeedError, packageRoot } from '../../src/foundation/index.js';
import { type Cell, parseCells } from './cells.js';
import type { NotebookCell, Output } from './document.js';
import { OUTPUTS_VARIABLE } from './record.js';

export const NOTEBOOKS = ['whichMethod', 'findTheBadLabels', 'fromInfluenceToPayout'] as const;
export type NotebookName = (typeof NOTEBOOKS)[number];

const FOLDER = join(packageRoot, 'notebooks');
const SCRATCH = join(packageRoot, '.cache', 'notebooks');

export function sourcePath(name: string): string {
  return join(FOLDER, `${name}.ts`);
}

export function notebookPath(name: string): string {
  return join(FOLDER, `${name}.ipynb`);
}

/** @throws MeedError when a cell throws, with what it wrote to standard error */
export async function runNotebook(name: NotebookName): Promise<NotebookCell[]> {
  return runSource(await readFile(sourcePath(name), 'utf8'), `${name}.ts`);
}

/** @param name of the source file, for errors */
export async function runSource(text: string, name: string): Promise<NotebookCell[]> {
  const cells = parseCells(text, name);
  await mkdir(SCRATCH, { recursive: true });
  const module = join(SCRATCH, `${process.pid}-${name}`);
  const outputs = `${module}.outputs`;
  await writeFile(module, moduleOf(text, cells));
  await writeFile(outputs, '');
  try {
    const failure = await spawned(module, outputs);
    const shown = (await readFile(outputs, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { readonly cell: number; readonly output: Output });
    if (failure !== undefined) {
      throw new MeedError(
        `${name} stopped: ${failure.replaceAll(module, name).trim()}`,
        'Mend the cell at that line and run the notebook again',
      );
    }
    return cells.map(({ kind, source, tags }, i) => ({
      kind,
      source,
      tags,
      outputs: shown.filter(({ cell }) => cell === i).map(({ output }) => output),
    }));
  } finally {
    await rm(module, { force: true });
    await rm(outputs, { force: true });
  }
}

/** The source with `enterCell` at its markers; every other line stays where it is. */
function moduleOf(text: string, cells: readonly Cell[]): string {
  const lines = text.replaceAll(`from './`, `from '../../notebooks/`).split('\n');
  for (const [i, { kind, line }] of cells.entries()) if (kind === 'code') lines[line - 1] = `enterCell(${i});`;
  return `${lines.join('\n')}\nimport { enterCell } from '../../notebooks/kernel/record.js';\n`;
}

/** @returns what the module wrote to standard error if it failed */
function spawned(module: string, outputs: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', module], {
      cwd: packageRoot,
      env: {
        ...process.env,
        [OUTPUTS_VARIABLE]: outputs,
        TSX_TSCONFIG_PATH: join(packageRoot, 'tsconfig.check.json'),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(`${errors}${signal === null ? '' : `ended by ${signal}`}`);
    });
  });
}
