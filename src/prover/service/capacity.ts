/**
 * How many provers a memory budget holds, and how many cores each gets. A prover is a process with the program, the parsed
 * key and the room that a proof takes, so its memory follows from the key's file and the size of the transforms. The
 * factors are meant as upper bounds: bench/proving/epoch.ts prints them beside the most that provers had.
 * Several provers of one core each use the cores better than one of all, as long as there are statements for all.
 */
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { formatBytes } from '../../work/index.js';
import type { ProvingKey } from '../devkey/index.js';

/** Node, Meed's modules, hashes and curve, before a key is opened. */
const PROCESS_BYTES = 300e6;
/** The file as it is read, and its points as the prover keeps them. */
const KEY_COPIES = 3;
/** Polynomials of one field element a point: A, B, C, their transforms and the multi-exponentiations' scalars. */
const POLYNOMIALS = 24;
const ELEMENT_BYTES = 32;

/**
 * Bytes of memory that one prover of the key takes at most.
 * @throws MeedError when the key's file is not there
 */
export async function proverBytes({ circuit, zkeyPath }: ProvingKey): Promise<number> {
  const domain = 2 ** (Math.floor(Math.log2(circuit.constraints + circuit.publicSignals)) + 1);
  try {
    const { size } = await stat(zkeyPath);
    return PROCESS_BYTES + KEY_COPIES * size + POLYNOMIALS * ELEMENT_BYTES * domain;
  } catch (error) {
    throw explainFileError(error, zkeyPath);
  }
}

export interface Capacity {
  readonly provers: number;
  /** Cores of each. */
  readonly threads: number;
}

export interface CapacityLimits {
  readonly statements: number;
  /** Number of provers that was asked for; as many as there are cores, and as the memory holds, unless told. */
  readonly asked?: number;
  readonly cores?: number;
}

/** @throws MeedError (used wrongly) when not even one prover fits, or fewer than were asked for */
export function capacityWithin(
  memoryBytes: number,
  bytesEach: number,
  { statements, asked, cores = availableParallelism() }: CapacityLimits,
): Capacity {
  if (asked !== undefined && (!Number.isSafeInteger(asked) || asked < 1)) {
    throw new MeedError(`${asked} is no number of provers`, 'Give a whole number from 1 with --workers', {
      exitCode: 2,
    });
  }
  const fitting = Math.floor(memoryBytes / bytesEach);
  if (fitting < (asked ?? 1)) {
    throw new MeedError(
      `${asked ?? 1} prover(s) of this circuit need ${formatBytes((asked ?? 1) * bytesEach)}, ${formatBytes(memoryBytes)} are available`,
      (asked ?? 1) === 1 ? 'Give more with --memory' : 'Give more with --memory, or fewer --workers',
      { exitCode: 2 },
    );
  }
  const provers = Math.max(1, Math.min(asked ?? Math.min(cores, fitting), statements));
  return { provers, threads: Math.max(1, Math.floor(cores / provers)) };
}
