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

const FLOAT_DIGITS = 6;

export function shownRow({ card }: Pick<Dataset, 'card'>, split: Split, row: number): ShownRow {
  const features = Array.from(split.features.subarray(row * split.width, (row + 1) * split.width));
  const text = split.texts?.[row];
  return { features: measured(card, features), ...(text !== undefined && { text }) };
}

function measured({ featureScale, featureShape }: DatasetCard, features: number[]): number[] {
  if (featureScale === undefined || pictureOf(featureShape)) return features;
  const { means, deviations } = featureScale;
  return features.map((value, i) => {
    const back = value * deviations[i] + means[i];
    const largest = Math.max(Math.abs(back), Math.abs(means[i]), deviations[i]);
    return largest === 0 ? 0 : rounded(back, Math.floor(Math.log10(largest)) + 1 - FLOAT_DIGITS);
  });
}

/** To a multiple of 10^exponent, as the decimal that says so. */
function rounded(value: number, exponent: number): number {
  return Number(`${Math.round(value * 10 ** -exponent)}e${exponent}`);
}

/** Whether a row's numbers say something to a reader: not those that stand for a text and have no names. */
export function showsValues(shape: Pick<DatasetCard, 'featureShape' | 'featureNames'>, { text }: ShownRow): boolean {
  return pictureOf(shape.featureShape) === undefined && (text === undefined || shape.featureNames !== undefined);
}
