/** A small CSV data set: three classes that a model can learn, rows of as many contributors as wanted, no chance. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../src/foundation/index.js';

const CLASSES = ['red', 'green', 'blue'];
const NAMES = ['ada', 'ben', 'cyd', 'dee', 'eli', 'fay'];

export interface CsvShape {
  readonly contributors: number;
  readonly rows: number;
  readonly seed?: number;
}

/** Lines of the file, the header first. */
export function csvLines({ contributors, rows, seed = 7 }: CsvShape): string[] {
  const random = new Random(seed);
  const near = (value: number): string => (value + random.uniform()).toFixed(4);
  const lines = Array.from({ length: rows }, (_, i) => {
    const label = i % CLASSES.length;
    const owner = NAMES[Math.floor(i / CLASSES.length) % contributors];
    return [near(label), near((label * label) % CLASSES.length), near(0), CLASSES[label], owner].join(',');
  });
  return ['x,y,z,kind,who', ...lines];
}

/** Writes the lines and gives the options that name them. */
export function csvOptions(folder: string, name: string, lines: readonly string[]): string[] {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return ['--csv', file, '--label', 'kind', '--contributor', 'who'];
}
