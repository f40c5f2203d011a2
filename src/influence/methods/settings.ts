/** Settings that are amounts, checked: what reaches a method may have been typed by hand. */
import { MeedError } from '../../foundation/index.js';

/** A finite number of at least `least`. @throws MeedError naming the setting */
export function amountOf(name: string, value: number | string, least: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return value;
  throw new MeedError(`The setting ${name} is ${value}`, `Give a finite number of at least ${least}`, { exitCode: 2 });
}
