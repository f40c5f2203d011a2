/**
 * What a person is shown of a row: its numbers as they were measured, and its text where it has one. Training takes columns of
 * mean 0 and deviation 1, in which nobody recognises a patient of 63. The trap: undoing the scale leaves a float's tail, and
 * where the value was 0 nothing but the tail; so a value is cut where its column's floats end.
 */
import type { Dataset, DatasetCard, Split } from '../data/index.js';
import { pictureOf } from './picture.js';

export interface ShownRow {
  readonly features: readonly number[];
  readonly text?: string;
}

/** Decimal digits that a float32 holds, and a double. */
const [FLOAT_DIGITS, DOUBLE_DIGITS] = [6, 15];

export function shownRow({ card }: Pick<Dataset, 'card'>, split: Split, row: number): ShownRow {
  const features = Array.from(split.features.subarray(row * split.width, (row + 1) * split.width));
  const text = split.texts?.[row];
  return { features: measured(card, features), ...(text !== undefined && { text }) };
}

function measured({ featureScale, featureShape }: DatasetCard, features: number[]): number[] {
  if (featureScale === undefined || pictureOf(featureShape)) return features;
  const { means, deviations } = featureScale;
  return features.map((value, i) => {
    const [mean, deviation] = [means[i], deviations[i]];
    const back = value * deviation + mean;
    // what was stored is the distance from the mean, so its digits end where those of that distance do
    const stored = deviation === 0 ? Math.abs(mean) : deviation * Math.max(1, Math.abs(value));
    const end = Math.max(orderOf(stored) - FLOAT_DIGITS, orderOf(back) - DOUBLE_DIGITS);
    return Number.isFinite(end) ? rounded(back, end) : back;
  });
}

/** Digits before the point; −∞ of 0. */
function orderOf(value: number): number {
  return Math.floor(Math.log10(Math.abs(value))) + 1;
}

/** To a multiple of 10^exponent, as the decimal that says so. */
function rounded(value: number, exponent: number): number {
  const units = Math.round(exponent < 0 ? value * 10 ** -exponent : value / 10 ** exponent);
  return Number(`${units}e${exponent}`);
}

/** Whether a row's numbers say something to a reader: not those that stand for a text and have no names. */
export function showsValues(shape: Pick<DatasetCard, 'featureShape' | 'featureNames'>, { text }: ShownRow): boolean {
  return pictureOf(shape.featureShape) === undefined && (text === undefined || shape.featureNames !== undefined);
}
