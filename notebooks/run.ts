/**
 * Runs the notebooks and writes them with their outputs, or compares a new run with what is written.
 *
 *   npx tsx notebooks/run.ts [NAME …]           # runs and writes NAME.ipynb
 *   npx tsx notebooks/run.ts --check [NAME …]   # runs and says what differs; exit status 1 when something does
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { MeedError } from '../src/foundation/index.js';
import { differences } from './kernel/compare.js';
import { decodeNotebook, encodeNotebook } from './kernel/document.js';
import { NOTEBOOKS, notebookPath, runNotebook } from './kernel/execute.js';
import { TOLERANCE } from './kernel/tolerance.js';

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
const unknown = positionals.filter((name) => !NOTEBOOKS.some((known) => known === name));
if (unknown.length > 0) {
  process.stderr.write(`There is no notebook ${unknown.join(', ')}. Choose from ${NOTEBOOKS.join(', ')}.\n`);
  process.exit(2);
}
try {
  for (const name of NOTEBOOKS.filter((known) => positionals.length === 0 || positionals.includes(known))) {
    const begun = performance.now();
    const cells = await runNotebook(name);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    const path = notebookPath(name);
    const found = values.check ? differences(decodeNotebook(await readFile(path, 'utf8'), path), cells, TOLERANCE) : [];
    if (!values.check) await writeFile(path, encodeNotebook(cells));
    process.stdout.write(`${name}: ${seconds} s${values.check ? `, ${found.length} differences` : ''}\n`);
    for (const sentence of found) process.stdout.write(`  ${sentence}\n`);
    if (found.length > 0) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof MeedError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
