/**
 * Matrices in Arrow IPC files, batch by batch: written wide (one FixedSizeList<float> column `scores`, the form in which
 * all of Meed's Arrow matrices are), read wide or long. An Arrow file does not say how many rows it has, so the batches
 * are read twice, once for the shape. A long table in any order needs its whole matrix in memory.
 * The traps: a bit-packed column is an array of bytes too, so types decide and not arrays; a null is a value that is not
 * there behind one that is; and a batch may begin inside its buffers.
 */
import { createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import {
  type Data,
  DataType,
  Field,
  FixedSizeList,
  Float32,
  makeData,
  Precision,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchReader,
  Schema,
  Struct,
} from 'apache-arrow';
import { explainFileError, MeedError, messageOf } from '../../foundation/index.js';
import { layoutOfTable, type TableLayout, WIDE_COLUMN } from './columns.js';
import { asFloat32, type MatrixFormat, type MatrixShape, requireShape } from './matrix.js';

export const arrow: MatrixFormat = {
  async open(path) {
    let layout: TableLayout | undefined;
    let rows = 0;
    const widths = new Set<number>();
    let last = -1;
    let entries = 0;
    for await (const batch of batches(path)) {
      const { fields } = batch.schema;
      layout ??= layoutOfTable(
        path,
        fields.map(({ name }) => name),
        fields.filter(({ type }) => isList(type)).map(({ name }) => name),
      );
      if (layout.kind === 'wide') {
        rows += batch.numRows;
        for (const list of listsOf(path, batch, layout.column)) widths.add(list.end - list.begin);
      } else {
        entries += batch.numRows;
        rows = Math.max(rows, highest(path, batch, layout.query) + 1);
        last = Math.max(last, highest(path, batch, layout.row));
      }
    }
    if (!layout || rows === 0) throw new MeedError(`${path} holds no rows`, 'Give at least one');
    if (layout.kind === 'long') {
      const shape = requireShape(path, rows, last + 1);
      requireEvery(path, entries, shape);
      return { shape, blocks: fromLong(path, layout, shape) };
    }
    if (widths.size !== 1) {
      throw new MeedError(
        `The lists of ${path} have ${[...widths].sort((a, b) => a - b).join(', ')} entries`,
        'Give every row the same number',
      );
    }
    const [columns] = widths;
    return { shape: requireShape(path, rows, columns), blocks: fromWide(path, layout.column, columns) };
  },

  async write(path, { shape, blocks }) {
    const type = new FixedSizeList(shape[1], new Field('item', new Float32(), false));
    const schema = new Schema([new Field(WIDE_COLUMN, type, false)]);
    const recordBatches = async function* (): AsyncGenerator<RecordBatch> {
      for await (const block of blocks) {
        const length = block.length / shape[1];
        // Arrow's writer misplaces views into a shared buffer, so every batch has its own
        const child = makeData({ type: new Float32(), length: block.length, nullCount: 0, data: block.slice() });
        const list = makeData({ type, length, nullCount: 0, child });
        const struct = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: [list] });
        yield new RecordBatch(schema, struct);
      }
    };
    try {
      const writer = RecordBatchFileWriter.throughNode({ autoDestroy: true });
      await pipeline(recordBatches(), writer, createWriteStream(path, { flags: 'wx' }));
    } catch (error) {
      throw explainFileError(error, path);
    }
  },
};

async function* fromWide(path: string, column: string, columns: number): AsyncGenerator<Float32Array> {
  for await (const batch of batches(path)) {
    const values = new Float32Array(batch.numRows * columns);
    let row = 0;
    for (const { child, begin, end } of listsOf(path, batch, column)) {
      copyNumbers(path, child, begin, end, values, row++ * columns);
    }
    yield values;
  }
}

async function* fromLong(
  path: string,
  names: TableLayout & { kind: 'long' },
  [rows, columns]: MatrixShape,
): AsyncGenerator<Float32Array> {
  const data = new Float32Array(rows * columns);
  const seen = new Uint8Array(rows * columns);
  for await (const batch of batches(path)) {
    const [query, row, score] = [names.query, names.row, names.score].map((name) => numbersOf(path, batch, name));
    for (let i = 0; i < batch.numRows; i++) {
      const at = query[i] * columns + row[i];
      if (seen[at] !== 0) {
        throw new MeedError(`${path} has two scores of query ${query[i]}, row ${row[i]}`, 'Give each pair once');
      }
      seen[at] = 1;
      data[at] = asFloat32(path, score[i]);
    }
  }
  yield data;
}

/** As many entries as places; that no place has two is seen when they are put there. */
function requireEvery(path: string, entries: number, [rows, columns]: MatrixShape): void {
  if (entries === rows * columns) return;
  throw new MeedError(
    `${path} has ${entries} scores for ${rows} queries × ${columns} rows`,
    'Give each pair of query and row, counted from 0, exactly once',
  );
}

/** All batches of the file; it is closed when they end or the reader stops. */
async function* batches(path: string): AsyncGenerator<RecordBatch> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw explainFileError(error, path);
  }
  try {
    const reader = await RecordBatchReader.from(file);
    for await (const batch of reader) yield batch;
  } catch (cause) {
    if (cause instanceof MeedError) throw cause;
    throw new MeedError(
      `${path} is not a readable Arrow file: ${messageOf(cause)}`,
      'Write it again as an uncompressed Arrow IPC file',
      { cause },
    );
  } finally {
    await file.close();
  }
}

interface List {
  readonly child: Data;
  /** Of the list in the child. */
  readonly begin: number;
  readonly end: number;
}

function* listsOf(path: string, batch: RecordBatch, column: string): Generator<List> {
  const { data } = columnOf(path, batch, column);
  for (const chunk of data) {
    const [child] = chunk.children;
    for (let i = 0; i < chunk.length; i++) {
      const width = DataType.isFixedSizeList(chunk.type) ? chunk.type.listSize : undefined;
      const begin = width === undefined ? Number(chunk.valueOffsets[i]) : (chunk.offset + i) * width;
      const end = width === undefined ? Number(chunk.valueOffsets[i + 1]) : begin + width;
      if (!(begin >= 0 && begin <= end && end <= child.length)) {
        throw new MeedError(`${path} has a list that leaves its column`, 'Do not trust this file: write it again');
      }
      yield { child, begin, end };
    }
  }
}

function isList(type: DataType): boolean {
  return DataType.isFixedSizeList(type) || DataType.isList(type) || DataType.isLargeList(type);
}

function columnOf(path: string, batch: RecordBatch, name: string) {
  const vector = batch.getChild(name);
  if (vector && vector.nullCount === 0) return vector;
  throw new MeedError(`The column "${name}" of ${path} has entries that are not there`, 'Give every entry a number');
}

function numbersOf(path: string, batch: RecordBatch, name: string): Float64Array {
  const values = new Float64Array(batch.numRows);
  let at = 0;
  for (const chunk of columnOf(path, batch, name).data) {
    copyNumbers(path, chunk, 0, chunk.length, values, at);
    at += chunk.length;
  }
  return values;
}

function highest(path: string, batch: RecordBatch, name: string): number {
  let most = -1;
  for (const value of numbersOf(path, batch, name)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new MeedError(`The column "${name}" of ${path} holds ${value}`, 'Count queries and rows from 0');
    }
    most = Math.max(most, value);
  }
  return most;
}

/** Copies entries begin … end − 1 as numbers, booleans as 0 and 1. */
function copyNumbers(
  path: string,
  source: Data,
  begin: number,
  end: number,
  into: Float32Array | Float64Array,
  at: number,
): void {
  if (source.nullCount > 0) {
    throw new MeedError(`${path} has entries that are not there`, 'Give every entry a number');
  }
  const { type, values } = source;
  // a buffer of bits is as long as its last byte, one of numbers as its last entry
  const held = DataType.isBool(type) ? 8 * (values?.length ?? 0) - source.offset : values?.length;
  if (!(held >= end)) {
    throw new MeedError(`${path} has a column that ends before its rows`, 'Do not trust this file: write it again');
  }
  if (DataType.isBool(type)) {
    // bits are counted from the buffer's first, numbers from the batch's first
    for (let i = begin; i < end; i++) {
      const bit = source.offset + i;
      into[at + i - begin] = (values[bit >> 3] >> (bit & 7)) & 1;
    }
    return;
  }
  const isNumber = DataType.isInt(type) || (DataType.isFloat(type) && type.precision !== Precision.HALF);
  if (!isNumber) throw new MeedError(`${path} holds entries of the type ${String(type)}`, 'Convert them to float');
  for (let i = begin; i < end; i++) {
    const value = Number(values[i]);
    into[at + i - begin] = into instanceof Float32Array ? asFloat32(path, value) : value;
  }
}
