/**
 * An index opened word by word: salts and field elements of every row, and the list of every shard, as whoever made them
 * has them. An index artefact holds integers from which all of this follows, so it can open an honest index only; this
 * opens whatever was committed to, and shows what is wrong with it. It is what an owner publishes who is asked for the
 * openings of an index that its integers do not open.
 * The trap: nothing in it is to be believed before its tree has the root that was registered.
 */
import { join } from 'node:path';
import { type Artefact, readArtefact, readTable, strings, writeArtefact, writeTable } from '../artefact/index.js';
import { MeedError } from '../foundation/index.js';
import { FIELD_MODULUS, type Instance, type OpenedRow, wordCount } from './reference/index.js';

export interface PublishedWords {
  readonly artefact: Artefact;
  readonly rows: readonly OpenedRow[];
  /** Index id and S slot commitments of each shard. */
  readonly shards: readonly (readonly bigint[])[];
}

export const WORDS_KIND = 'index-words';

/** @param root of the rows' tree, by which it is found */
export async function writeWords(
  folder: string,
  instance: Instance,
  { rows, shards, root }: Omit<PublishedWords, 'artefact'> & { readonly root: bigint },
): Promise<Artefact> {
  const recipe = { kind: WORDS_KIND, inputs: {}, parameters: { instance: { ...instance } } };
  return writeArtefact(folder, recipe, async (staging) => {
    await writeTable(join(staging, 'rows.arrow'), {
      dataSetLeaf: rows.map((row) => String(row.dataSetLeaf)),
      contributor: rows.map((row) => String(row.contributor)),
      rowSalt: rows.map(({ row }) => String(row.salt)),
      rowWords: rows.map(({ row }) => row.words.join(' ')),
      prefixSalt: rows.map(({ prefix }) => String(prefix.salt)),
      prefixWords: rows.map(({ prefix }) => prefix.words.join(' ')),
    });
    await writeTable(join(staging, 'shards.arrow'), { elements: shards.map((elements) => elements.join(' ')) });
    return { root: String(root) };
  });
}

/** @throws MeedError when a file is missing, changed, or holds anything but field elements of that shape */
export async function readWords(folder: string, { slots, columns }: Instance): Promise<PublishedWords> {
  const artefact = await readArtefact(folder, WORDS_KIND);
  const table = await readTable(join(folder, 'rows.arrow'));
  const one = (name: string): bigint[] => strings(table, name).map((text) => elements(text, 1, folder)[0]);
  const many = (name: string): bigint[][] =>
    strings(table, name).map((text) => elements(text, wordCount(columns), folder));
  const [leaves, contributors] = [one('dataSetLeaf'), one('contributor')];
  const [rowSalts, prefixSalts] = [one('rowSalt'), one('prefixSalt')];
  const [rowWords, prefixWords] = [many('rowWords'), many('prefixWords')];
  const lists = strings(await readTable(join(folder, 'shards.arrow')), 'elements');
  return {
    artefact,
    rows: leaves.map((dataSetLeaf, i) => ({
      dataSetLeaf,
      contributor: contributors[i],
      row: { salt: rowSalts[i], words: rowWords[i] },
      prefix: { salt: prefixSalts[i], words: prefixWords[i] },
    })),
    shards: lists.map((text) => elements(text, slots + 1, folder)),
  };
}

function elements(text: string, count: number, folder: string): bigint[] {
  const found = text.split(' ');
  if (found.length === count && found.every((element) => /^[0-9]{1,78}$/.test(element))) {
    const values = found.map(BigInt);
    if (values.every((value) => value < FIELD_MODULUS)) return values;
  }
  throw new MeedError(`${folder} does not hold ${count} field elements where it must`, 'Fetch an intact copy');
}
