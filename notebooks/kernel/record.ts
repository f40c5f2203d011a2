/**
 * Where a running notebook's outputs go: with a file named in MEED_NOTEBOOK_OUTPUTS, one line of JSON an output with the cell
 * it belongs to, written at once so that what a failing cell showed is kept; otherwise, as when the module is run by hand,
 * its plain form to standard output.
 */
import { appendFileSync } from 'node:fs';
import type { Output } from './document.js';

export const OUTPUTS_VARIABLE = 'MEED_NOTEBOOK_OUTPUTS';

let current = 0;

/** Called by the runner before every code cell. */
export function enterCell(cell: number): void {
  current = cell;
}

export function record(output: Output): void {
  const file = process.env[OUTPUTS_VARIABLE];
  if (file === undefined) process.stdout.write(`${output['text/plain']}\n`);
  else appendFileSync(file, `${JSON.stringify({ cell: current, output })}\n`);
}
