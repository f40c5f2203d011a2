/**
 * Explanations of one output as text, JSON and HTML: pictures drawn, values as measured, texts quoted; both signs, sums that
 * are those of all scores, the method's claim; and nothing that data says can act on terminal or page.
 */
import { join } from 'node:path';
import { JSDOM } from 'jsdom';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/index.js';
import { METHODS, writeScores } from '../../src/influence/index.js';
import type { Receipt } from '../../src/prover/receipts.js';
import { blockPicture } from '../../src/report/explanation/blockPicture.js';
import {
  claimOf,
  explainOutput,
  explanationJson,
  explanationPage,
  explanationText,
  type OutputExplanation,
} from '../../src/report/index.js';
import { refusal, smallDataset, temporaryFolder } from '../data/fixture.js';
import { HOSTILE } from './fixture.js';

/** Receipts × rows; of the second output nothing harmed. */
const SCORES = Float32Array.of(3, 2, -1, -5, 4, 0.25, 1, 2, 0, 6, 4, 1);
const TERMINAL_HOSTILE = `\u001b[2J\u009b31m\r\n${HOSTILE}`;

function receipt(heldOutRow: number, predictedClass: number): Receipt {
  return {
    heldOutRow,
    predictedClass,
    confidence: 0.875,
    outputHash: `${heldOutRow}`.repeat(64),
    fee: 1n,
    initialLoss: 4,
    trainedLoss: 0.5,
    scoreSum: 0,
    scoreMagnitude: 1,
    norm: 1,
  };
}

async function explained(
  dataset: Dataset,
  { output = 0, count = 2, scorer = 'in-run' } = {},
): Promise<OutputExplanation> {
  const scoresPath = join(temporaryFolder(), 'scores.parquet');
  await writeScores(scoresPath, {
    scores: { shape: [2, 6], data: SCORES },
    contributors: Array.from(dataset.train.contributors, (c) => dataset.contributors[c].name),
    labels: dataset.train.labels,
  });
  const facts = { scale: 'sparks', additivity: 'relative' };
  const index = { options: { scorer }, artefact: { manifest: { facts } } };
  const receipts = { receipts: [receipt(0, 0), receipt(1, 0)], scoresPath };
  return explainOutput({ stored: { dataset }, index, receipts }, output, count);
}

function pictures(): Dataset {
  const small = smallDataset();
  const square = (rows: number) => ({
    features: Float32Array.from({ length: rows * 4 }, (_, i) => (i % 4 === Math.floor(i / 4) % 4 ? 1 : 0)),
    width: 4,
  });
  return {
    ...small,
    card: { ...small.card, featureShape: [2, 2], featureNames: undefined },
    train: { ...small.train, ...square(6) },
    heldOut: { ...small.heldOut, ...square(2) },
  };
}

function measured(): Dataset {
  const small = smallDataset();
  return { ...small, card: { ...small.card, featureScale: { means: [100, 7], deviations: [10, 0] } } };
}

function texts(text: (row: number) => string): Dataset {
  const small = smallDataset();
  const { train, heldOut, card } = small;
  return {
    ...small,
    card: { ...card, featureNames: undefined },
    train: { ...train, texts: Array.from({ length: train.rows }, (_, row) => text(row)) },
    heldOut: { ...heldOut, texts: ['asked first', 'asked second'] },
  };
}

/** Names, classes, texts: all that strangers choose. */
function hostile(): Dataset {
  const { contributors, card, ...rest } = texts(() => TERMINAL_HOSTILE);
  return {
    ...rest,
    card: {
      ...card,
      title: TERMINAL_HOSTILE,
      contributorColumn: TERMINAL_HOSTILE,
      classes: card.classes.map((name) => `${name}${TERMINAL_HOSTILE}`),
      featureNames: ['a', 'b'].map((name) => `${name}${TERMINAL_HOSTILE}`),
    },
    contributors: contributors.map(({ name }) => ({ name: `${name}${TERMINAL_HOSTILE}` })),
  };
}

function parsed(explanation: OutputExplanation): Document {
  return new JSDOM(explanationPage(explanation)).window.document;
}

describe('an explanation', () => {
  it('lists both signs, furthest from zero first, and sums every score by contributor', async () => {
    const { helpful, harmful, contributors, total } = await explained(smallDataset());
    expect(helpful.map(({ row, score }) => [row, score])).toEqual([
      [4, 4],
      [0, 3],
    ]);
    expect(harmful.map(({ row, score }) => [row, score])).toEqual([
      [3, -5],
      [2, -1],
    ]);
    expect(contributors).toEqual([
      { contributor: 'çelik', rows: 2, score: 4.25, helped: 4.25, harmed: 0 },
      { contributor: 'ann', rows: 3, score: 4, helped: 5, harmed: -1 },
      { contributor: 'bob', rows: 1, score: -5, helped: 0, harmed: -5 },
    ]);
    const sum = SCORES.subarray(0, 6).reduce((all, score) => all + score, 0);
    expect(total).toEqual({ rows: 6, score: sum, helped: 9.25, harmed: -6 });
    expect(total.helped + total.harmed).toBe(sum);
  });

  it('makes the claim of its method, in one sentence with sign and scale, and what the index says of an unknown one', async () => {
    for (const { name, claim, scale } of METHODS) {
      const index = { options: { scorer: name }, artefact: { manifest: { facts: {} } } };
      const { sentence } = claimOf(index);
      expect(sentence).toBe(`A score says ${claim}: positive helped, negative harmed, in ${scale}.`);
    }
    const { claim } = await explained(smallDataset(), { scorer: 'of-tomorrow' });
    expect(claim).toMatchObject({ method: 'of-tomorrow', scale: 'sparks', additivity: 'relative' });
    expect(explanationText(await explained(smallDataset()), 200)).toContain(
      claimOf({ options: { scorer: 'in-run' }, artefact: { manifest: { facts: {} } } }).sentence,
    );
  });

  it('compares the sum with the fall of the loss where scores are complete, and only there', async () => {
    const said = 'All scores add up to 3.250; training lowered the loss of this output by 3.500.';
    expect(explanationText(await explained(smallDataset()), 100)).toContain(said);
    expect(explanationPage(await explained(smallDataset()))).toContain(said);
    expect(explanationText(await explained(smallDataset(), { scorer: 'grad-dot' }), 100)).not.toContain('add up to');
  });

  it('refuses scores that are not of the data set', async () => {
    const { train, ...rest } = smallDataset();
    const shorter = { ...train, rows: 5 };
    expect(await refusal(() => explained({ ...rest, train: shorter }))).toContain('are of 6 rows, the data set has 5');
  });
});

describe('as text', () => {
  it('draws pictures, two pixels a character', async () => {
    expect(blockPicture({ rows: 2, columns: 4 }, [0, 1, 0, 1, 0, 0, 1, 1])).toEqual([' ▀▄█']);
    expect(blockPicture({ rows: 3, columns: 1 }, [-2, 2, 0])).toEqual(['▄', '▀']);
    expect(blockPicture({ rows: 1, columns: 2 }, [0.3, 0.1])).toEqual(['░ ']);
    expect(blockPicture({ rows: 80, columns: 80 }, new Array<number>(6400).fill(1))).toEqual(
      new Array<string>(20).fill('█'.repeat(40)),
    );
    expect(explanationText(await explained(pictures()), 100)).toContain('▀');
  });

  it('shows values by name and as measured, the output beside its rows', async () => {
    const lines = explanationText(await explained(measured()), 100).split('\n');
    const header = lines.findIndex((line) => line.includes('this output  '));
    expect(lines[header].trim().split(/ {2,}/)).toEqual(['this output', 'row 4 +', 'row 0 +', 'row 3 −', 'row 2 −']);
    // features 0, 9, 1, 7, 5 times the deviation 10, and the mean 100
    expect(lines[header + 1].split(/ +/)).toEqual(['height', '100', '190', '110', '170', '150']);
    expect(lines[header + 2].split(/ +/)).toEqual(['weight', '7', '7', '7', '7', '7']);
  });

  it('cuts wide tables into several, none wider than the terminal', async () => {
    const text = explanationText(await explained(measured(), { count: 6 }), 40);
    const table = text.slice(text.indexOf('Values'), text.indexOf('By contributor'));
    expect(table.match(/this output/g)?.length).toBeGreaterThan(1);
    for (const line of table.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(40);
    for (let row = 0; row < 6; row++) expect(table).toContain(`row ${row} `);
  });

  it('quotes texts, long ones as an excerpt that says what is cut', async () => {
    const long = `${'word '.repeat(100)}end`;
    const text = explanationText(await explained(texts((row) => (row === 4 ? long : `note of row ${row}`))), 60);
    expect(text).toContain('  asked first');
    expect(text).toContain('  note of row 3');
    expect(text).toMatch(/letters more\)/);
    expect(text).not.toContain('end');
    expect(text).not.toContain('Values');
  });

  it('keeps the digits of scores that are millionths', async () => {
    const small = await explained(smallDataset());
    const shrunk = { ...small, helpful: small.helpful.map((row) => ({ ...row, score: row.score * 1e-6 })) };
    expect(explanationText(shrunk, 100)).toMatch(/row 4 .* 0\.000004000\n/);
  });

  it('says so when nothing harmed', async () => {
    expect(explanationText(await explained(smallDataset(), { output: 1 }), 100)).toContain('Harmed most\n(none)');
  });

  it('lets no text move the cursor, turn the writing or begin a line', async () => {
    const text = explanationText(await explained(hostile()), 100);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    for (const line of text.split('\n')) expect(line).not.toMatch(/^<script>/);
    expect(text).toContain('alert(1)');
  });
});

describe('as JSON', () => {
  it('holds whole texts, measured values and pictures', async () => {
    const long = 'x'.repeat(5000);
    const whole = JSON.parse(explanationJson(await explained(texts(() => long))));
    expect(whole).toMatchObject({
      receipt: 0,
      predictedClass: 'no',
      trueClass: 'no',
      confidence: 0.875,
      lossFall: 3.5,
    });
    expect(whole.helpful[0]).toMatchObject({ row: 4, contributor: 'çelik', class: 'no', score: 4, text: long });
    expect(whole.helpful[0]).not.toHaveProperty('values');
    const values = JSON.parse(explanationJson(await explained(measured())));
    expect(values.input.values).toEqual([
      { name: 'height', value: 100 },
      { name: 'weight', value: 7 },
    ]);
    const drawn = JSON.parse(explanationJson(await explained(pictures())));
    expect(drawn.harmful[0].picture).toMatch(/^data:image\/png;base64,/);
    expect(drawn.total).toEqual({ rows: 6, score: 3.25, helped: 9.25, harmed: -6 });
  });

  it('prints nothing that acts on a terminal and still says the same text', async () => {
    const json = explanationJson(await explained(hostile()));
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(JSON.parse(json).helpful[0].text).toBe(TERMINAL_HOSTILE);
  });
});

describe('as HTML', () => {
  it('shows each kind of row as what it is', async () => {
    expect(parsed(await explained(pictures())).querySelectorAll('img')).toHaveLength(5);
    const table = parsed(await explained(measured())).querySelector('.comparison');
    expect(table?.querySelector('tbody tr')?.textContent?.replace(/\s+/g, ' ')).toContain('height100190110170150');
    const quoted = parsed(await explained(texts((row) => `first ${row}\nsecond`)));
    expect([...quoted.querySelectorAll('blockquote')].map((quote) => quote.innerHTML)).toEqual([
      'asked first',
      ...[4, 0, 3, 2].map((row) => `first ${row}<br>second`),
    ]);
    expect(quoted.querySelector('.comparison')).toBeNull();
  });

  it('shows both signs and the sums, to the last digit in the title', async () => {
    const page = parsed(await explained(smallDataset()));
    const cells = [...page.querySelectorAll('#contributors tfoot td')].map((cell) => cell.getAttribute('title'));
    expect(cells).toEqual([null, '9.25', '-6', '3.25']);
    expect([...page.querySelectorAll('#contributors tbody th')].map((cell) => cell.textContent)).toEqual([
      'çelik',
      'ann',
      'bob',
    ]);
    expect(page.querySelectorAll('.comparison .good').length).toBe(2);
    expect(page.querySelectorAll('.comparison .bad').length).toBe(2);
  });

  it('stands alone: no script, nothing from elsewhere, no hostile element', async () => {
    const text = explanationPage(await explained(hostile()));
    expect(text).not.toMatch(/url\(|@import|https?:\/\//);
    const page = new JSDOM(text).window.document;
    expect(page.querySelector('script, iframe, object, [onerror]')).toBeNull();
    const benign = parsed(await explained(texts(() => 'a\nb'))).querySelectorAll('img, a, style').length;
    expect(page.querySelectorAll('img, a, style')).toHaveLength(benign);
    expect(text).not.toContain('\u202e');
    expect(page.querySelector('meta[http-equiv]')?.getAttribute('content')).toContain("default-src 'none'");
    expect(page.body.textContent).toContain('<script>alert(1)</script>');
  });
});
