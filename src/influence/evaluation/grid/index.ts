export { evaluateGrid, type GridOptions } from './evaluateGrid.js';
export { type GridRow, TIMES } from './row.js';
export { writeGrid } from './table.js';
