/**
 * The module of the prover's arithmetic on BN254: what WebAssembly exports. The memory is imported and shared, nothing is
 * allocated here: every address comes from outside.
 * The trap: a thread's instance must be given a room of its own (`setRoom`) before anything else is called.
 */
import * as arrays from './arrays';
import { Q, R } from './field';

export { combineWindows, sumWindow, windowBytes } from './buckets';
export { turnPoints } from './endomorphism';
export { hashArray, openPoseidon, poseidonBytes } from './poseidon';
export { closeStrip, openStrip, turnPart } from './quotient';
export { firstFreeByte, roomBytes, setRoom } from './room';
export { gatherFactors, gatherRoots } from './roots';
export { countLong, recode, windowCount } from './scalars';

/** The table of a prime: 0 the base field's, 1 the scalar field's. */
function table(field: i32): usize {
  return field === 0 ? Q : R;
}

export function mulArray(field: i32, a: usize, b: usize, out: usize, count: usize): void {
  arrays.mulArray(a, b, out, count, table(field));
}

export function squareArray(field: i32, a: usize, out: usize, count: usize): void {
  arrays.squareArray(a, out, count, table(field));
}

export function addArray(field: i32, a: usize, b: usize, out: usize, count: usize): void {
  arrays.addArray(a, b, out, count, table(field));
}

export function subArray(field: i32, a: usize, b: usize, out: usize, count: usize): void {
  arrays.subArray(a, b, out, count, table(field));
}

export function scaleArray(field: i32, a: usize, factor: usize, out: usize, count: usize): void {
  arrays.scaleArray(a, factor, out, count, table(field));
}

export function invertArray(field: i32, a: usize, out: usize, count: usize): void {
  arrays.invertArray(a, out, count, table(field));
}

export function fromKey(field: i32, a: usize, out: usize, count: usize): void {
  arrays.fromKey(a, out, count, table(field));
}

export function toKey(field: i32, a: usize, out: usize, count: usize): void {
  arrays.toKey(a, out, count, table(field));
}

export function fromInteger(field: i32, a: usize, out: usize, count: usize): void {
  arrays.fromInteger(a, out, count, table(field));
}

export function toInteger(field: i32, a: usize, out: usize, count: usize): void {
  arrays.toInteger(a, out, count, table(field));
}
