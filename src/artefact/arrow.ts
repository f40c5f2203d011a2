/**
 * Columns on disk: one Arrow IPC file (the "Feather 2" file format, readable by pandas, polars and DuckDB) per table.
 * Matrices are FixedSizeList columns, so a row of the table is a row of the matrix and the values are one flat buffer.
 */
import { readFile, writeFile } from 'node:fs/promises';
import {
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint8,
  Uint32,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { explainFileError, MeedError } from '../foundation/index.js';

export type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint32Array;

/** What a matrix may hold. */
export type MatrixNumbers = Exclude<Numbers, BigInt64Array>;

/** A row-major matrix column: `width` values a row. */
export interface MatrixColumn {
  readonly values: MatrixNumbers;
  readonly width: number;
}

export type Column = Numbers | readonly string[] | MatrixColumn;

/** Writes named columns of equal length as one Arrow file. @throws MeedError when their lengths differ */
export async function writeTable(path: string, columns: Readonly<Record<string, Column>>): Promise<void> {
  const names = Object.keys(columns);
  for (const name of names) {
    const rows = rowCount(columns[name]);
    if (rows !== rowCount(columns[names[0]])) {
      throw new MeedError(
        `The column "${name}" has ${rows} rows where "${names[0]}" has ${rowCount(columns[names[0]])}`,
        'Report the stage that made the table',
      );
    }
  }
  const written = new Set<ArrayBufferLike>();
  const data = names.map((name) => columnData(ownBuffer(columns[name], written)));
  const schema = new Schema(names.map((name, i) => new Field(name, data[i].type, false)));
  const batch = new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: data[0].length, nullCount: 0, children: data }),
  );
  await writeFile(path, tableToIPC(new Table(schema, batch), 'file'));
}

/** Reads an Arrow file whole. @throws MeedError when it is missing or not Arrow */
export async function readTable(path: string): Promise<Table> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw explainFileError(error, path);
  }
  try {
    return tableFromIPC(bytes);
  } catch (cause) {
    throw new MeedError(`${path} is not a readable Arrow file`, 'Make the artefact again', { cause });
  }
}

type NumberArray<T extends Numbers> = new (length: number) => T;

/** A numeric column as one typed array. @throws MeedError when it is absent or of another type */
export function numbers<T extends Numbers>(table: Table, name: string, type: NumberArray<T>): T {
  const values: unknown = column(table, name).toArray();
  if (values instanceof type) return values;
  throw new MeedError(`The column "${name}" is not a ${type.name}`, 'Make the artefact again with this version');
}

/** A matrix column, flat and row-major, with its width. */
export function matrix<T extends MatrixNumbers>(
  table: Table,
  name: string,
  type: NumberArray<T>,
): { values: T; width: number } {
  const vector = column(table, name);
  if (!(vector.type instanceof FixedSizeList)) {
    throw new MeedError(`The column "${name}" is not a matrix`, 'Make the artefact again with this version');
  }
  const width = vector.type.listSize;
  const flat = new type(vector.length * width);
  let offset = 0;
  for (const chunk of vector.data) {
    const values: unknown = chunk.children[0].values;
    if (!(values instanceof type)) {
      throw new MeedError(
        `The column "${name}" does not hold a ${type.name}`,
        'Make the artefact again with this version',
      );
    }
    flat.set(values.subarray(chunk.offset * width, (chunk.offset + chunk.length) * width), offset);
    offset += chunk.length * width;
  }
  return { values: flat, width };
}

export function strings(table: Table, name: string): string[] {
  return Array.from(column(table, name) as Iterable<unknown>, String);
}

function column(table: Table, name: string) {
  const vector = table.getChild(name);
  if (vector) return vector;
  const have = table.schema.fields.map((field) => field.name).join(', ');
  throw new MeedError(
    `The table has no column "${name}" (it has ${have})`,
    'Make the artefact again with this version',
  );
}

function rowCount(source: Column): number {
  return isMatrix(source) ? source.values.length / source.width : source.length;
}

/** Arrow's writer takes overlapping views of one buffer for one range and writes wrong bytes: later ones are copied. */
function ownBuffer(source: Column, written: Set<ArrayBufferLike>): Column {
  const values = isMatrix(source) ? source.values : source;
  if (!isNumbers(values)) return source;
  if (!written.has(values.buffer)) {
    written.add(values.buffer);
    return source;
  }
  return isMatrix(source) ? { values: source.values.slice(), width: source.width } : values.slice();
}

function columnData(source: Column) {
  if (isMatrix(source)) {
    const length = source.values.length / source.width;
    const type = new FixedSizeList(source.width, new Field('item', numberType(source.values), false));
    return makeData({ type, length, nullCount: 0, child: numberData(source.values) });
  }
  if (isNumbers(source)) return numberData(source);
  return vectorFromArray(source as readonly string[], new Utf8()).data[0];
}

function isMatrix(source: Column): source is MatrixColumn {
  return !Array.isArray(source) && 'width' in source;
}

function isNumbers(source: Column): source is Numbers {
  return ArrayBuffer.isView(source);
}

function numberData(values: Numbers) {
  return makeData({ type: numberType(values), length: values.length, nullCount: 0, data: values } as never);
}

function numberType(values: Numbers): DataType {
  if (values instanceof Float32Array) return new Float32();
  if (values instanceof Float64Array) return new Float64();
  if (values instanceof Int8Array) return new Int8();
  if (values instanceof Int16Array) return new Int16();
  if (values instanceof Int32Array) return new Int32();
  if (values instanceof BigInt64Array) return new Int64();
  if (values instanceof Uint8Array) return new Uint8();
  return new Uint32();
}
