/**
 * Runs one stage with its line on the terminal, and remembers beside the artefacts how long making each took. Times are
 * no part of an artefact (two equal runs would differ), so they lie in `times.json`, by artefact id.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, systemCode } from '../foundation/index.js';
import type { Run } from './run.js';
import type { Stage, StageOutcome } from './stage.js';
import { startLine } from './terminal.js';

/** Seconds by artefact id. */
type Times = Record<string, { seconds: number; provingSeconds?: number }>;

export interface Executed extends StageOutcome {
  /** How long making the artefact took, in this run or the one that made it. */
  readonly seconds: number;
}

const FILE = 'times.json';

export async function executeStage(stage: Stage, run: Run): Promise<Executed> {
  const { out } = run.options;
  const line = startLine(stage.command);
  const begun = performance.now();
  const outcome = await stage.run(run, line.progress);
  const elapsed = (performance.now() - begun) / 1000;
  line.done(`${outcome.line}${outcome.reused ? ' (found, not made again)' : ''}`);
  const times = await readTimes(out);
  if (!outcome.reused) {
    times[outcome.id] = { seconds: elapsed, provingSeconds: outcome.provingSeconds };
    await writeTimes(out, times);
  }
  const made = times[outcome.id];
  return { ...outcome, seconds: made?.seconds ?? elapsed, provingSeconds: made?.provingSeconds };
}

/** An unreadable file only loses the times of earlier runs. */
async function readTimes(out: string): Promise<Times> {
  try {
    return JSON.parse(await readFile(join(out, FILE), 'utf8')) as Times;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return {};
    throw explainFileError(error, join(out, FILE));
  }
}

async function writeTimes(out: string, times: Times): Promise<void> {
  const path = join(out, FILE);
  try {
    await writeFile(`${path}.partial`, `${JSON.stringify(times, null, 1)}\n`);
    await rename(`${path}.partial`, path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}
