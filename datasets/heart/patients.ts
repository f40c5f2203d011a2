/**
 * The UCI heart files as numbers: one patient a line, 14 values, separated by commas (or by spaces in Hungary's
 * reprocessed file, which already has the 14 columns of the others in their order). Missing values have many faces, "?"
 * in three files and -9 in Hungary's, but also a serum cholesterol or blood pressure of 0 (all of Switzerland's
 * cholesterol) and a 9 among vessels that are counted from 0 to 3; so each column states what is possible, and
 * whatever lies outside counts as missing (NaN).
 */
import { MeedError } from '../../src/foundation/index.js';

interface Measurement {
  readonly name: string;
  readonly lowest: number;
  readonly highest: number;
}

/** The 13 features in the order of the files. */
export const measurements: readonly Measurement[] = [
  { name: 'age', lowest: 1, highest: 120 },
  { name: 'sex', lowest: 0, highest: 1 },
  { name: 'chest pain type', lowest: 1, highest: 4 },
  { name: 'resting blood pressure', lowest: 20, highest: 300 },
  { name: 'serum cholesterol', lowest: 20, highest: 1000 },
  { name: 'fasting blood sugar above 120 mg/dl', lowest: 0, highest: 1 },
  { name: 'resting electrocardiogram', lowest: 0, highest: 2 },
  { name: 'maximum heart rate', lowest: 30, highest: 250 },
  { name: 'exercise-induced angina', lowest: 0, highest: 1 },
  { name: 'ST depression', lowest: -5, highest: 10 },
  { name: 'slope of the ST segment', lowest: 1, highest: 3 },
  { name: 'vessels coloured by fluoroscopy', lowest: 0, highest: 3 },
  { name: 'thal', lowest: 3, highest: 7 },
];

/** The diagnosis "num": 0 is no narrowing above half, 1 to 4 the vessels that have one. */
const HIGHEST_DIAGNOSIS = 4;

export interface Patient {
  /** NaN where missing. */
  readonly features: readonly number[];
  /** 1 when the diagnosis is above 0. */
  readonly label: number;
}

/** @throws MeedError naming the file and line of the first line that is not a patient */
export function readPatients(text: string, file: string): Patient[] {
  return text
    .split(/\r?\n/)
    .map((line, i) => ({ line: line.trim(), at: `${file} line ${i + 1}` }))
    .filter(({ line }) => line !== '')
    .map(({ line, at }) => readPatient(line, at));
}

function readPatient(line: string, at: string): Patient {
  const fields = line.split(/[,\s]+/);
  const columns = measurements.length + 1;
  if (fields.length !== columns) {
    throw new MeedError(
      `${at} has ${fields.length} values, a patient has ${columns}`,
      'Fetch the file again from its origin',
    );
  }
  const values = fields.map((field) => (field === '?' ? Number.NaN : readValue(field, at)));
  const diagnosis = values[measurements.length];
  if (!Number.isInteger(diagnosis) || diagnosis < 0 || diagnosis > HIGHEST_DIAGNOSIS) {
    throw new MeedError(
      `${at} has the diagnosis "${fields[measurements.length]}", it goes from 0 to ${HIGHEST_DIAGNOSIS}`,
      'Fetch the file again from its origin',
    );
  }
  return {
    features: measurements.map(({ lowest, highest }, i) =>
      values[i] >= lowest && values[i] <= highest ? values[i] : Number.NaN,
    ),
    label: diagnosis > 0 ? 1 : 0,
  };
}

function readValue(field: string, at: string): number {
  if (/^-?(\d+\.?\d*|\.\d+)$/.test(field)) return Number(field);
  throw new MeedError(
    `${at} holds "${field}", which is neither a number nor "?"`,
    'Fetch the file again from its origin',
  );
}
