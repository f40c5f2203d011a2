/**
 * Spooky authors: sentences of Poe, Lovecraft and Shelley, the label is who wrote it. Sentences become hashed tf-idf rows
 * (`src/data/textFeatures.ts`) with rarities learned from the training sentences; contributors are made up
 * (`spookyAuthors/collectors.ts`, which says why the authors themselves are not the contributors).
 * The trap: the file is a competition's, given to those who sign in; it is not fetched, it must be there.
 */
import { parse } from 'csv-parse/sync';
import {
  type Dataset,
  type DatasetCard,
  type DatasetFile,
  type DatasetSource,
  encodeTexts,
  fetchDatasetFile,
  fitTextRule,
  gatherTrainRows,
  type LoadOptions,
  validateDataset,
} from '../src/data/index.js';
import { MeedError, messageOf, Random } from '../src/foundation/index.js';
import { AUTHORS, collectors, dealSentences } from './spookyAuthors/collectors.js';

const WIDTH = 512;
const HELD_OUT_ROWS = 600;

const file: DatasetFile = {
  path: 'spooky-authors/train.csv.gz',
  url: 'https://www.kaggle.com/competitions/spooky-author-identification/data',
  bytes: 1_312_671,
  sha256: '85e5bc281a21e594fcf9e59c9437fcad7c1dba6d2197d14d4245e277a5be1f24',
  unpacked: { bytes: 3_295_644, sha256: '8bdfe94b21975a5d3b345367eb302223b156b4b1907f8d6ce1ac4137c9d9c23e' },
  byHand:
    'Sign in at https://www.kaggle.com/competitions/spooky-author-identification/data and put the gzip of train.csv',
};

const card: DatasetCard = {
  name: 'spooky-authors',
  title: 'Spooky authors: sentences of Poe, Lovecraft and Shelley',
  licence: "the competition's rules; the authors' works are in the public domain",
  origin: 'https://www.kaggle.com/competitions/spooky-author-identification',
  contributorColumn: 'collector (synthetic)',
  classes: [...AUTHORS],
  featureShape: [WIDTH],
  files: [file],
  description:
    'Sentences by their author, as hashed tf-idf of words, pairs of words and punctuation. Two made-up collectors have sentences of each author alone, two anthologies of all three; other sentences are held out.',
};

export const spookyAuthors: DatasetSource = {
  card,
  async load({ seed, folder, progress }: LoadOptions): Promise<Dataset> {
    const text = new TextDecoder().decode(await fetchDatasetFile(file, { folder, progress }));
    const sentences = readSentences(text, file.path);
    const authors = Int32Array.from(sentences, ({ author }) => author);
    const deal = dealSentences(authors, HELD_OUT_ROWS, Random.named(seed, 'spooky-authors/collectors'));
    const textOf = (sentence: number): string => sentences[sentence].text;
    const trainTexts = deal.train.map(({ sentence }) => textOf(sentence));
    const rule = fitTextRule(trainTexts, { width: WIDTH, seed });
    const table = {
      features: encodeTexts(rule, trainTexts),
      labels: Int32Array.from(deal.train, ({ sentence }) => authors[sentence]),
      contributors: Int32Array.from(deal.train, ({ collector }) => collector),
      width: WIDTH,
    };
    const dataset: Dataset = {
      card,
      contributors: collectors.map(({ name, rows }) => ({
        name,
        note: `sentences of ${AUTHORS.filter((_, author) => rows[author] > 0).join(', ')}`,
      })),
      train: gatherTrainRows(table, [...deal.train.keys()]),
      heldOut: {
        features: encodeTexts(rule, deal.heldOut.map(textOf)),
        labels: Int32Array.from(deal.heldOut, (sentence) => authors[sentence]),
        rows: deal.heldOut.length,
        width: WIDTH,
      },
    };
    validateDataset(dataset);
    return dataset;
  },
};

export interface Sentence {
  readonly text: string;
  /** Class of its author. */
  readonly author: number;
}

/** @throws MeedError naming the file and the first line that is not a sentence */
export function readSentences(csv: string, name: string): Sentence[] {
  let rows: string[][];
  try {
    rows = parse(csv, { from_line: 2 });
  } catch (cause) {
    throw new MeedError(`${name} is not readable CSV (${messageOf(cause)})`, 'Get the file again', { cause });
  }
  return rows.map(([id, text, initials], line) => {
    const author = AUTHORS.indexOf(initials);
    if (author >= 0 && text !== undefined) return { text, author };
    throw new MeedError(
      `${name} row ${line + 2} (${id}) has the author "${initials}", known are ${AUTHORS.join(', ')}`,
      'Get the file again',
    );
  });
}
