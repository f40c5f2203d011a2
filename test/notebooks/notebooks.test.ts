/**
 * The committed notebooks are what their sources show now: each is run again from top to bottom and compared with its
 * outputs. Those on data that is not the project's own need MEED_DATASETS, as the tests of those data sets do.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCells } from '../../notebooks/kernel/cells.js';
import { differences } from '../../notebooks/kernel/compare.js';
import { decodeNotebook } from '../../notebooks/kernel/document.js';
import { NOTEBOOKS, notebookPath, runNotebook, sourcePath } from '../../notebooks/kernel/execute.js';
import { TOLERANCE } from '../../notebooks/kernel/tolerance.js';

const here = process.env.MEED_DATASETS !== undefined;
if (!here) console.log('Notebooks on real data are skipped, MEED_DATASETS names no folder');

/** For a machine that gives them a small part of one core. */
const RUN_MS = 900_000;
/** Drawn by the project. */
const NEEDS_NO_FILES: readonly string[] = ['fromInfluenceToPayout'];

describe.each(NOTEBOOKS)('%s', (name) => {
  const committed = () => decodeNotebook(readFileSync(notebookPath(name), 'utf8'), name);

  it('is committed with its outputs, and its cells are those of its source', () => {
    const cells = parseCells(readFileSync(sourcePath(name), 'utf8'), name);
    expect(committed().map(({ kind, source, tags }) => ({ kind, source, tags }))).toEqual(
      cells.map(({ kind, source, tags }) => ({ kind, source, tags })),
    );
    const code = committed().filter(({ kind }) => kind === 'code');
    expect(code.length).toBeGreaterThan(4);
    expect(code.flatMap(({ outputs }) => outputs).length).toBeGreaterThan(4);
  });

  it.skipIf(!here && !NEEDS_NO_FILES.includes(name))(
    'shows it again',
    async () => {
      expect(differences(committed(), await runNotebook(name), TOLERANCE)).toEqual([]);
    },
    RUN_MS,
  );
});
