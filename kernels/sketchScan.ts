/**
 * The module of the store's scans: what WebAssembly exports. The memory is imported and shared, so that all threads see
 * the same rows; nothing is allocated here, every address comes from outside.
 * A batch is computed tile by tile: a tile's rows stay in the first cache while every query passes over them, and its
 * scores are offered to the queries' heaps before they leave it.
 */
import { offer } from './best';
import { products } from './products';

export { multiplyThrough } from './multiplyThrough';
export { products } from './products';
export { readThrough } from './readThrough';

/**
 * Offers the scores of `count` consecutive rows to the heap of each query.
 * @param rows      address of count × width int8, and what `products` reads behind them
 * @param count     rows
 * @param firstRow  number of the first row
 * @param width     columns of a row
 * @param removed   address of the rows' bits (see `offer`); 0 for none
 * @param queries   address of the packed queries
 * @param number    queries
 * @param tile      address of number × tileRows int32 for a tile's scores
 * @param tileRows  rows of a tile, a multiple of eight
 * @param heaps     address of the heaps, one behind the other
 * @param heapBytes bytes of one heap
 */
export function offerRows(
  rows: usize,
  count: i32,
  firstRow: u32,
  width: i32,
  removed: usize,
  queries: usize,
  number: i32,
  tile: usize,
  tileRows: i32,
  heaps: usize,
  heapBytes: i32,
): void {
  for (let r = 0; r < count; r += tileRows) {
    const part = min(tileRows, count - r);
    products(rows + <usize>r * width, part, width, queries, number, tile, tileRows);
    const bits = removed === 0 ? <usize>0 : removed + (<usize>r >> 3);
    for (let q = 0; q < number; q++) {
      offer(tile + ((<usize>q * tileRows) << 2), part, firstRow + r, bits, heaps + <usize>q * heapBytes);
    }
  }
}
