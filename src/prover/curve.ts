/**
 * BN254 for single operations: pairings, point checks, conversions. One single-threaded instance a process.
 * The trap: snarkjs and the library's default build start a worker a core and keep them, so that a process never ends;
 * this build has none, and nothing must be terminated.
 */
import { buildBn128, type Curve } from 'ffjavascript';

let curve: Promise<Curve> | undefined;

export function bn254(): Promise<Curve> {
  curve ??= buildBn128(true);
  return curve;
}
