import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readContributorList, readCsvDataset, rowsPerContributor } from '../../src/data/index.js';
import { silent } from '../../src/foundation/index.js';
import { refusal, temporaryFolder } from './fixture.js';

function file(name: string, text: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

const read = (text: string | Uint8Array, contributors?: string, seed = 1) =>
  readCsvDataset({
    file: file('people.csv', text),
    labelColumn: 'outcome',
    contributorColumn: 'clinic',
    contributorsFile: contributors === undefined ? undefined : file('clinics.csv', contributors),
    seed,
    progress: silent,
  });

const rows = Array.from(
  { length: 40 },
  (_, i) => `${i}.5,${['west', 'east'][i % 2]},${i % 4 === 0 ? 'ill' : 'well'},${i % 7}`,
);
const good = `height,clinic,outcome,"weight, kg"\n${rows.join('\n')}\n`;

describe('readCsvDataset', () => {
  it('reads features, classes and contributors, and holds out a fifth of each class', async () => {
    const { card, contributors, train, heldOut } = await read(good);
    expect(card).toMatchObject({
      name: 'people',
      classes: ['ill', 'well'],
      contributorColumn: 'clinic',
      featureShape: [2],
      featureNames: ['height', 'weight, kg'],
      files: [{ path: 'people.csv', bytes: Buffer.byteLength(good) }],
    });
    expect(contributors.map(({ name }) => name)).toEqual(['west', 'east']);
    expect([train.rows, heldOut.rows]).toEqual([32, 8]);
    expect(heldOut.labels.filter((label) => label === 0).length).toBe(2);
  });

  it('is decided by the seed', async () => {
    expect(await read(good, undefined, 3)).toEqual(await read(good, undefined, 3));
    expect((await read(good, undefined, 3)).heldOut.features).not.toEqual(
      (await read(good, undefined, 4)).heldOut.features,
    );
  });

  it('accepts a byte order mark, CRLF, quotes and numeric classes in numeric order', async () => {
    const lines = rows.map((row, i) =>
      row.replace(/ill|well/, ['10', '9'][i % 2]).replace('west', '"west ""old"", side"'),
    );
    const { card, contributors } = await read(`\ufeffheight,clinic,outcome,weight\r\n${lines.join('\r\n')}`);
    expect(card.classes).toEqual(['9', '10']);
    expect(contributors[0].name).toBe('west "old", side');
  });

  it('takes the contributors and their order from the list', async () => {
    const dataset = await read(good, 'name\neast\nwest\n');
    expect(dataset.contributors.map(({ name }) => name)).toEqual(['east', 'west']);
    expect(rowsPerContributor(dataset).reduce((a, b) => a + b)).toBe(32);
  });

  const header = 'height,clinic,outcome\n';
  const pair = '1,west,ill\n2,west,well\n';
  it.each([
    [
      'a missing label column',
      'height,clinic,result\n1,west,ill\n',
      /people\.csv has no column "outcome" \(it has height, clinic, result\)\. Correct --label/,
    ],
    ['a missing contributor column', 'height,outcome\n1,ill\n', /has no column "clinic" .*\. Correct --contributor/],
    [
      'text for a number',
      `${header}${pair}tall,west,ill\n`,
      /people\.csv line 4: column "height" holds "tall", which is not a finite number\. Put/,
    ],
    ['NaN', `${header}${pair}NaN,west,ill\n`, /line 4: column "height" holds "NaN"/],
    [
      'infinity',
      `${header}${pair}1e39,west,ill\n`,
      /line 4: column "height" holds "1e39", which is not a finite number/,
    ],
    ['a hexadecimal number', `${header}${pair}0x10,west,ill\n`, /line 4: column "height" holds "0x10"/],
    ['an empty feature', `${header}${pair},west,ill\n`, /line 4: column "height" is empty\. Put/],
    ['an empty label', `${header}${pair}3,west,\n`, /line 4: column "outcome" is empty\. Fill/],
    ['an empty contributor', `${header}${pair}3,,ill\n`, /line 4: column "clinic" is empty\. Fill/],
    [
      'the line after a quoted line break',
      `${header}1,"we\nst",ill\n2,west,well\nx,west,ill`,
      /line 5: column "height" holds "x"/,
    ],
    ['a short line', `${header}${pair}3,west\n`, /line 4: has 2 fields, the header names 3\. Give/],
    [
      'an open quote',
      `${header}1,"west,ill\n2,west,well\n`,
      /people\.csv is not readable CSV: Quote Not Closed.*\. Mend/,
    ],
    ['a repeated column', 'height,clinic,outcome,height\n', /line 1: the column "height" appears twice/],
    ['no features', 'clinic,outcome\nwest,ill\n', /has no column besides "outcome" and "clinic"\. Add/],
    ['one sample', `${header}1,west,ill\n`, /people\.csv holds 1 sample, attribution needs something to compare\. Add/],
    ['one class', `${header}${'1,west,ill\n'.repeat(9)}`, /has 1 class, a classifier needs two/],
    ['an empty file', '', /people\.csv is empty\. Give/],
    ['bytes that are not UTF-8', Uint8Array.of(0x68, 0xff, 0xfe), /people\.csv is not UTF-8 text\. Save/],
  ])('refuses %s, naming file, line and remedy', async (_, text, sentence) => {
    expect(await refusal(() => read(text))).toMatch(sentence);
  });

  it('refuses an unlisted contributor and a listed one without rows', async () => {
    expect(await refusal(() => read(good, 'name\nwest\n'))).toMatch(
      /people\.csv line 3: contributor "east" is not listed in .*clinics\.csv\. Add them/,
    );
    expect(await refusal(() => read(good, 'name\nwest\neast\nnorth\n'))).toMatch(
      /clinics\.csv line 4: contributor "north" has no row in .*people\.csv\. Add a row/,
    );
  });

  it('refuses one column for two things', async () => {
    const options = { labelColumn: 'clinic', contributorColumn: 'clinic', seed: 1, progress: silent };
    expect(await refusal(() => readCsvDataset({ file: file('people.csv', good), ...options }))).toMatch(
      /the column "clinic" is named as label and as contributor\. Name two/,
    );
  });

  it('names a file that is not there', async () => {
    const options = {
      file: '/nowhere/people.csv',
      labelColumn: 'a',
      contributorColumn: 'b',
      seed: 1,
      progress: silent,
    };
    expect(await refusal(() => readCsvDataset(options))).toContain('/nowhere/people.csv does not exist');
  });
});

describe('readContributorList', () => {
  it('reads names, and addresses where the column is there', async () => {
    expect(await readContributorList(file('c.csv', 'name,address\nann,0xa1\nbob,0xb2\n'))).toEqual([
      { name: 'ann', address: '0xa1', line: 2 },
      { name: 'bob', address: '0xb2', line: 3 },
    ]);
    expect(await readContributorList(file('c.csv', 'name\nann\n'))).toEqual([{ name: 'ann', line: 2 }]);
  });

  it('refuses a repeated name, a missing address and a missing column', async () => {
    const list = (text: string) => refusal(() => readContributorList(file('c.csv', text)));
    expect(await list('name\nann\nbob\nann\n')).toMatch(/c\.csv line 4: contributor "ann" is already on line 2\. Give/);
    expect(await list('name,address\nann,\n')).toMatch(/c\.csv line 2: column "address" is empty/);
    expect(await list('who\nann\n')).toMatch(/has no column "name" \(it has who\)/);
  });
});
