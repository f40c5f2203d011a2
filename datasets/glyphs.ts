/**
 * Glyphs: a small picture set made by the project, so that everything can be tried with no download. Ten signs, twelve
 * hands of different style and diligence, three of whom cheat in a known way (`glyphs/hands.ts`). The idea: shares of
 * labels and signs are dealt out exactly (no luck of the draw in small contributors), only shapes are random. The trap:
 * each hand draws from a generator of its own name, so changing one hand leaves the others' pictures as they were.
 */
import {
  type Dataset,
  type DatasetCard,
  type DatasetSource,
  type LoadOptions,
  type Split,
  validateDataset,
} from '../src/data/index.js';
import { Random } from '../src/foundation/index.js';
import { drawGrain, drawSign, SIDE } from './glyphs/draw.js';
import { type Hand, hands } from './glyphs/hands.js';
import { signs } from './glyphs/strokes.js';

const HELD_OUT_ROWS = 600;
/** How much oftener a hand writes a sign that it favours. */
const FAVOUR = 3;
/** The flipper's share of wrong labels. */
const FLIPPED_SHARE = 0.8;

const card: DatasetCard = {
  name: 'glyphs',
  title: 'Glyphs: ten signs by twelve hands',
  licence: 'GPL-3.0-or-later',
  origin: 'made by the project',
  contributorColumn: 'hand',
  classes: signs.map((sign) => sign.name),
  featureShape: [SIDE, SIDE],
  files: [],
  description:
    'Signs drawn by a program at 16 × 16 pixels (0 = paper, 1 = ink) in twelve styles. Nine hands are honest; one labels most rows wrongly, one copies another, one hands in noise. Held-out rows are clean drawings in the honest styles.',
};

interface Drawing {
  readonly pixels: Float32Array;
  readonly label: number;
}

export const glyphs: DatasetSource = {
  card,
  async load({ seed, progress }: LoadOptions): Promise<Dataset> {
    const drawn = new Map<string, Drawing[]>();
    for (const [done, hand] of hands.entries()) {
      progress(done, hands.length, 'drawing glyphs');
      drawn.set(hand.name, rowsOf(hand, seed, drawn));
    }
    const heldOut = heldOutDrawings(seed);
    progress(hands.length, hands.length, 'drawing glyphs');
    const train = hands.flatMap((hand) => drawn.get(hand.name) ?? []);
    const dataset: Dataset = {
      card,
      contributors: hands.map(({ name, planted, note }) => ({ name, planted, note })),
      train: {
        ...toSplit(train),
        contributors: Int32Array.from(hands.flatMap((hand, i) => new Array<number>(hand.rows).fill(i))),
      },
      heldOut: toSplit(heldOut),
    };
    validateDataset(dataset);
    return dataset;
  },
};

function rowsOf(hand: Hand, seed: number, drawn: ReadonlyMap<string, Drawing[]>): Drawing[] {
  const random = Random.named(seed, `glyphs/${hand.name}`);
  if (hand.copies !== undefined) {
    const original = drawn.get(hand.copies) ?? [];
    return Array.from(random.permutation(original.length).subarray(0, hand.rows), (row) => original[row]);
  }
  const labels = dealtLabels(hand, random);
  if (hand.planted === 'noise') return labels.map((label) => ({ pixels: drawGrain(random), label }));
  const drawings = labels.map((label) => ({ pixels: drawSign(signs[label], hand.style, random), label }));
  return hand.planted === 'flipped' ? drawings.map((drawing) => misread(drawing, random)) : drawings;
}

/** With FLIPPED_SHARE, any label but the true one. */
function misread({ pixels, label }: Drawing, random: Random): Drawing {
  if (random.uniform() >= FLIPPED_SHARE) return { pixels, label };
  return { pixels, label: (label + 1 + random.below(signs.length - 1)) % signs.length };
}

/** The hand's labels in random order, each sign as often as its weight says, to the row. */
function dealtLabels(hand: Hand, random: Random): number[] {
  const weights = signs.map((sign) => (hand.favours.includes(sign.name) ? FAVOUR : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let upTo = 0;
  const labels = weights.flatMap((weight, label) => {
    const from = Math.round((upTo / total) * hand.rows);
    upTo += weight;
    return new Array<number>(Math.round((upTo / total) * hand.rows) - from).fill(label);
  });
  return Array.from(random.permutation(labels.length), (i) => labels[i]);
}

/** As many of each sign, by honest hands in proportion to their rows. */
function heldOutDrawings(seed: number): Drawing[] {
  const random = Random.named(seed, 'glyphs/held-out');
  const honest = hands.filter((hand) => hand.planted === undefined);
  const lots = honest.flatMap((hand) => new Array<Hand>(hand.rows).fill(hand));
  return Array.from({ length: HELD_OUT_ROWS }, (_, row) => {
    const label = row % signs.length;
    return { pixels: drawSign(signs[label], lots[random.below(lots.length)].style, random), label };
  });
}

function toSplit(drawings: readonly Drawing[]): Split {
  const width = SIDE * SIDE;
  const features = new Float32Array(drawings.length * width);
  drawings.forEach(({ pixels }, row) => {
    features.set(pixels, row * width);
  });
  return { features, labels: Int32Array.from(drawings, ({ label }) => label), rows: drawings.length, width };
}
