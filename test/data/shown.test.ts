/** What a person is shown of a row is kept beside what is computed with: measured values and texts, and neither changes a hash. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  gatherRows,
  readCsvDataset,
  readDataset,
  rowHashes,
  validateDataset,
  writeDataset,
} from '../../src/data/index.js';
import { silent } from '../../src/foundation/index.js';
import { shownRow } from '../../src/report/shownRow.js';
import { refusal, smallAddresses, smallDataset, temporaryFolder } from './fixture.js';

const TEXTS = ['plain', '', 'çedilla "quoted", and a comma', '<b>bold</b>\nsecond line', '\u202eevil', '🙂'];

function withTexts() {
  const small = smallDataset();
  const featureScale = { means: [10, -1], deviations: [2, 0] };
  return {
    ...small,
    card: { ...small.card, featureScale },
    train: { ...small.train, texts: TEXTS },
    heldOut: { ...small.heldOut, texts: ['a', 'b'] },
  };
}

describe('a stored data set', () => {
  it('gives texts and scale back, and its rows hash as they do without', async () => {
    const folder = join(temporaryFolder(), 'data');
    await writeDataset(folder, withTexts(), { seed: 1, payoutAddresses: smallAddresses });
    const { dataset } = await readDataset(folder);
    expect(dataset.train.texts).toEqual(TEXTS);
    expect(dataset.heldOut.texts).toEqual(['a', 'b']);
    expect(dataset.card.featureScale).toEqual({ means: [10, -1], deviations: [2, 0] });
    expect(rowHashes(dataset)).toEqual(rowHashes(smallDataset()));
  });

  it('has none where none was given', async () => {
    const folder = join(temporaryFolder(), 'data');
    await writeDataset(folder, smallDataset(), { seed: 1, payoutAddresses: smallAddresses });
    const { dataset } = await readDataset(folder);
    expect([dataset.train.texts, dataset.heldOut.texts, dataset.card.featureScale]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('with a text too few, or a scale that does not fit, is refused', async () => {
    const one = withTexts();
    expect(await refusal(() => validateDataset({ ...one, train: { ...one.train, texts: TEXTS.slice(1) } }))).toContain(
      '5 texts for 6 training rows',
    );
    for (const featureScale of [
      { means: [1], deviations: [1, 1] },
      { means: [1, Number.NaN], deviations: [1, 1] },
    ]) {
      expect(await refusal(() => validateDataset({ ...one, card: { ...one.card, featureScale } }))).toMatch(
        /means and 2 deviations for 2 features/,
      );
    }
  });

  it('gathers texts with their rows', () => {
    const { train } = withTexts();
    expect(gatherRows(train, [5, 0]).texts).toEqual([TEXTS[5], TEXTS[0]]);
    expect(gatherRows(smallDataset().train, [5, 0])).not.toHaveProperty('texts');
  });
});

describe('a CSV file', () => {
  const lines = Array.from(
    { length: 40 },
    (_, i) => `${60 + i}.5,0,"note ${i}, ""so""",${i % 2},${i % 4 < 2 ? 'w' : 'e'}`,
  );
  const read = (options: { textColumn?: string; header?: string } = {}) => {
    const file = join(temporaryFolder(), 'people.csv');
    writeFileSync(file, `${options.header ?? 'age,flag,note,ill,clinic'}\n${lines.join('\n')}\n`);
    return readCsvDataset({
      file,
      labelColumn: 'ill',
      contributorColumn: 'clinic',
      textColumn: options.textColumn,
      seed: 1,
      progress: silent,
    });
  };

  it('keeps the text beside its row: each row has the note of its own age', async () => {
    const dataset = await read({ textColumn: 'note' });
    expect(dataset.card.featureNames).toEqual(['age', 'flag']);
    for (const split of [dataset.train, dataset.heldOut]) {
      for (let row = 0; row < split.rows; row++) {
        const { features, text } = shownRow(dataset, split, row);
        expect(text).toBe(`note ${features[0] - 60.5}, "so"`);
      }
    }
  });

  it('is shown as it was measured, zeros and constants exactly', async () => {
    const dataset = await read({ textColumn: 'note' });
    const ages = Array.from({ length: dataset.train.rows }, (_, row) => shownRow(dataset, dataset.train, row).features);
    expect(ages.every(([age, flag]) => (age * 2) % 2 === 1 && flag === 0)).toBe(true);
  });

  it.each([
    ['a date as a number', [20_240_115, 20_250_620, 20_190_301], 3000],
    ['zeros beside ones', [0, 1, 0], 0.47],
    ['millionths', [1.25e-6, 3.5e-6, 2e-6], 1e-6],
    ['a constant', [0.1, 0.1, 0.1], 0],
    ['a spread of nothing but rounding', [0.1, 0.1, 0.1], 1e-17],
  ])('%s comes back from its float32', (_, values, deviation) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const small = smallDataset();
    const features = Float32Array.from(values, (value) => (deviation > 0 ? (value - mean) / deviation : 0));
    const card = { ...small.card, featureShape: [1], featureScale: { means: [mean], deviations: [deviation] } };
    const split = { ...small.heldOut, features, width: 1, rows: 3 };
    for (const [row, value] of values.entries()) {
      expect(shownRow({ card }, split, row).features[0]).toBeCloseTo(
        value,
        value < 1e-3 ? 11 : 6 - Math.ceil(Math.log10(value + 1)),
      );
    }
  });

  it('refuses words that are not named as text, and a text that is the label', async () => {
    expect(await refusal(() => read())).toContain('column "note" holds "note 0, "so""');
    expect(await refusal(() => read({ textColumn: 'ill' }))).toContain('"ill" is named as text and as label');
    expect(await refusal(() => read({ textColumn: 'clinic' }))).toContain('as text and as contributor');
    expect(await refusal(() => read({ textColumn: 'nowhere' }))).toMatch(/no column "nowhere".*Correct --text/);
  });
});
