/** The data sets that Meed knows by name. Adding one: its file here beside this one, and one line below. */
import type { DatasetSource } from '../src/data/index.js';
import { MeedError } from '../src/foundation/index.js';
import { auditFindings } from './auditFindings.js';
import { glyphs } from './glyphs.js';
import { heart } from './heart.js';
import { mnist } from './mnist.js';
import { spookyAuthors } from './spookyAuthors.js';

export const datasetSources: readonly DatasetSource[] = [glyphs, heart, mnist, spookyAuthors, auditFindings];

/** @throws MeedError that lists the known names */
export function findDatasetSource(name: string): DatasetSource {
  const found = datasetSources.find(({ card }) => card.name === name);
  if (found) return found;
  const known = datasetSources.map(({ card }) => card.name).join(', ');
  throw new MeedError(`There is no data set "${name}"`, `Choose one of ${known}, or bring your own with --csv`, {
    exitCode: 2,
  });
}
