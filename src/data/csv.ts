/**
 * A data set from the user's own CSV file: one column is the label, one names the contributor, every other is a number.
 * The idea: people fix what they can find, so each refusal names the file, the line and the column. The traps: a quoted
 * field may hold line breaks, so the line is the parser's and not a count of records; and JavaScript reads "" as 0 and
 * "0x10" as 16, so what counts as a number is said here.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { explainFileError, MeedError, type Progress, Random, sha256 } from '../foundation/index.js';
import type { Dataset } from './dataset.js';
import { standardise } from './scale.js';
import { gatherRows, gatherTrainRows, type RowTable, stratifiedSplit } from './split.js';
import { validateDataset } from './validate.js';

export interface CsvOptions {
  readonly file: string;
  readonly labelColumn: string;
  readonly contributorColumn: string;
  /** A column of words, shown with its row and not computed with. */
  readonly textColumn?: string;
  /** A list as `readContributorList` reads it; without one, whoever appears is a contributor, in order of appearance. */
  readonly contributorsFile?: string;
  readonly seed: number;
  readonly progress: Progress;
}

/** One line of a contributors' file. */
export interface ListedContributor {
  readonly name: string;
  readonly address?: string;
  readonly line: number;
}

/**
 * Reads, checks and splits the file: a fifth of each class is held out by the seed, columns are standardised by their
 * training mean and deviation. Classes are the labels that occur, in numeric order if all are numbers, else sorted.
 * @throws MeedError naming file, line, column and remedy
 */
export async function readCsvDataset(options: CsvOptions): Promise<Dataset> {
  const { file, labelColumn, contributorColumn, contributorsFile, seed, progress } = options;
  const bytes = await readBytes(file);
  const { header, records } = parseCsv(decode(bytes, file), file);
  progress(0, records.length, `reading ${file}`);
  const columns = columnsOf(header, options);
  if (records.length < 2) {
    throw new MeedError(`${file} holds ${records.length} sample, attribution needs something to compare`, 'Add rows');
  }
  const listed = contributorsFile === undefined ? undefined : await readContributorList(contributorsFile);
  const names = listed?.map(({ name }) => name) ?? unique(records.map(({ fields }) => fields[columns.contributor]));
  const classes = sortedClasses(unique(records.map(({ fields }) => fields[columns.label])));
  const table = tableOf({ header, records }, columns, { classes, names }, options);
  checkAllHaveRows(listed ?? [], table.contributors, options);
  const rows = stratifiedSplit(table, Random.named(seed, 'csv/held-out'));
  const scaled = standardise(table, rows.train);
  const name = basename(file).replace(/\.csv$/i, '');
  const dataset: Dataset = {
    card: {
      name,
      title: name,
      licence: 'as its owner says',
      origin: 'a CSV file of the user',
      contributorColumn,
      classes,
      featureShape: [table.width],
      featureNames: columns.features.map((column) => header[column]),
      featureScale: scaled.scale,
      files: [
        {
          path: basename(file),
          url: `file:${encodeURIComponent(basename(file))}`,
          bytes: bytes.length,
          sha256: sha256(bytes),
        },
      ],
      description: `Column "${labelColumn}" is the label; features are standardised by their training mean and deviation.`,
    },
    contributors: names.map((contributor) => ({ name: contributor })),
    train: gatherTrainRows(scaled, rows.train),
    heldOut: gatherRows(scaled, rows.heldOut),
  };
  validateDataset(dataset);
  progress(records.length, records.length, `reading ${file}`);
  return dataset;
}

/** Which column is what, by its place in the header. */
interface Columns {
  readonly label: number;
  readonly contributor: number;
  readonly text?: number;
  readonly features: readonly number[];
}

function columnsOf(header: readonly string[], options: CsvOptions): Columns {
  const { file, labelColumn, contributorColumn, textColumn } = options;
  const label = columnOf(header, labelColumn, file, '--label');
  const contributor = columnOf(header, contributorColumn, file, '--contributor');
  if (label === contributor) {
    throw new MeedError(
      `${file}: the column "${labelColumn}" is named as label and as contributor`,
      'Name two columns with --label and --contributor',
    );
  }
  const text = textColumn === undefined ? undefined : columnOf(header, textColumn, file, '--text');
  if (text === label || text === contributor) {
    throw new MeedError(
      `${file}: the column "${textColumn}" is named as text and as ${text === label ? 'label' : 'contributor'}`,
      'Name another column with --text, or leave it out',
    );
  }
  const features = [...header.keys()].filter((column) => ![label, contributor, text].includes(column));
  if (features.length > 0) return { label, contributor, text, features };
  const named = [labelColumn, contributorColumn, ...(textColumn === undefined ? [] : [textColumn])];
  throw new MeedError(
    `${file} has no column besides ${named.map((name) => `"${name}"`).join(' and ')}`,
    'Add columns of numbers, they are the features',
  );
}

function tableOf(
  { header, records }: CsvTable,
  columns: Columns,
  { classes, names }: { classes: readonly string[]; names: readonly string[] },
  { file, contributorsFile }: CsvOptions,
): RowTable {
  const labelOf = new Map(classes.map((name, i) => [name, i]));
  const contributorOf = new Map(names.map((name, i) => [name, i]));
  const width = columns.features.length;
  const table: RowTable = {
    features: new Float32Array(records.length * width),
    labels: new Int32Array(records.length),
    contributors: new Int32Array(records.length),
    width,
    ...textsOf(records, columns.text),
  };
  for (const [row, { fields, line }] of records.entries()) {
    const at = (column: number) => `${file} line ${line}: column "${header[column]}"`;
    for (const [i, column] of columns.features.entries()) {
      table.features[row * width + i] = readNumber(fields[column], at(column));
    }
    table.labels[row] = labelOf.get(present(fields[columns.label], at(columns.label))) ?? -1;
    const name = present(fields[columns.contributor], at(columns.contributor));
    const contributor = contributorOf.get(name);
    if (contributor === undefined) {
      throw new MeedError(
        `${file} line ${line}: contributor "${name}" is not listed in ${contributorsFile}`,
        `Add them to ${contributorsFile} or remove the row`,
      );
    }
    table.contributors[row] = contributor;
  }
  return table;
}

function textsOf(records: readonly CsvRecord[], text: number | undefined): Pick<RowTable, 'texts'> {
  return text === undefined ? {} : { texts: records.map(({ fields }) => fields[text]) };
}

function checkAllHaveRows(
  listed: readonly ListedContributor[],
  owners: Int32Array,
  { file, contributorsFile }: CsvOptions,
): void {
  const present = new Set(owners);
  const idle = listed.find((_, i) => !present.has(i));
  if (!idle) return;
  throw new MeedError(
    `${contributorsFile} line ${idle.line}: contributor "${idle.name}" has no row in ${file}`,
    'Add a row of theirs or take them off the list',
  );
}

/**
 * Who takes part: a CSV file with the column "name" and, if payouts are to go to given accounts, "address".
 * @throws MeedError naming file, line and remedy
 */
export async function readContributorList(file: string): Promise<ListedContributor[]> {
  const { header, records } = parseCsv(decode(await readBytes(file), file), file);
  const name = columnOf(header, 'name', file, 'the header');
  const address = header.indexOf('address');
  const lineOf = new Map<string, number>();
  return records.map(({ fields, line }) => {
    const who = present(fields[name], `${file} line ${line}: column "name"`);
    const before = lineOf.get(who);
    if (before !== undefined) {
      throw new MeedError(
        `${file} line ${line}: contributor "${who}" is already on line ${before}`,
        'Give every contributor one line',
      );
    }
    lineOf.set(who, line);
    if (address < 0) return { name: who, line };
    return { name: who, address: present(fields[address], `${file} line ${line}: column "address"`), line };
  });
}

interface CsvRecord {
  readonly fields: readonly string[];
  /** Where the record ends, from 1. */
  readonly line: number;
}

interface CsvTable {
  readonly header: readonly string[];
  readonly records: readonly CsvRecord[];
}

function parseCsv(text: string, file: string): CsvTable {
  const rows: CsvRecord[] = [];
  try {
    parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (fields: string[], { lines }) => {
        rows.push({ fields, line: lines });
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof CsvError)
      throw new MeedError(`${file} is not readable CSV: ${cause.message}`, 'Mend the quotes on that line', { cause });
    throw cause;
  }
  if (rows.length === 0) throw new MeedError(`${file} is empty`, 'Give a CSV file whose first line names the columns');
  const [{ fields: header }, ...records] = rows;
  const repeated = header.find((name, i) => header.indexOf(name) !== i);
  if (repeated !== undefined)
    throw new MeedError(
      `${file} line 1: the column "${repeated}" appears twice`,
      'Give every column one name of its own',
    );
  const ragged = records.find(({ fields }) => fields.length !== header.length);
  if (ragged) {
    throw new MeedError(
      `${file} line ${ragged.line}: has ${ragged.fields.length} fields, the header names ${header.length}`,
      'Give the line as many fields as there are columns',
    );
  }
  return { header, records };
}

function columnOf(header: readonly string[], name: string, file: string, option: string): number {
  const column = header.indexOf(name);
  if (column >= 0) return column;
  throw new MeedError(
    `${file} has no column "${name}" (it has ${header.join(', ')})`,
    `Correct ${option} or the file's first line`,
  );
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function readNumber(field: string, at: string): number {
  const value = NUMBER.test(field) ? Math.fround(Number(field)) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const what = field === '' ? 'is empty' : `holds "${field}", which is not a finite number`;
  throw new MeedError(`${at} ${what}`, 'Put a number there, or remove the row or the column');
}

function present(field: string, at: string): string {
  if (field !== '') return field;
  throw new MeedError(`${at} is empty`, 'Fill it in or remove the row');
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function sortedClasses(names: readonly string[]): string[] {
  const numeric = names.every((name) => NUMBER.test(name));
  return [...names].sort(numeric ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : Number(a > b)));
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MeedError(`${file} is not UTF-8 text`, 'Save it as CSV in UTF-8', { cause });
  }
}
