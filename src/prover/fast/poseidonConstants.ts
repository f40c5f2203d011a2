/**
 * circomlib's Poseidon constants in the form with sparse partial rounds, read from the package that the reference uses, so
 * that there is one set of them.
 * The trap: the package keeps its matrices transposed, M[k][j] being the factor of input k in output j.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MeedError } from '../../foundation/index.js';

const FILE = join('src', 'poseidon_constants_opt.json');
/** Eight full rounds, half before and half after the partial ones. */
const FULL_ROUNDS = 8;

export interface PoseidonConstants {
  /** Elements of the permutation: inputs + 1. */
  readonly t: number;
  readonly partialRounds: number;
  /** In the order of the kernel's plan: C, then M and P by output, then S. */
  readonly values: readonly bigint[];
}

type Table<Entry> = readonly (readonly Entry[])[];
interface Published {
  readonly C: Table<string>;
  readonly S: Table<string>;
  readonly M: Table<readonly string[]>;
  readonly P: Table<readonly string[]>;
}

let published: Promise<Published> | undefined;

/** @throws MeedError when the package's file is missing or of another form */
export async function poseidonConstants(inputs: number): Promise<PoseidonConstants> {
  published ??= readPublished();
  const { C, M, P, S } = await published;
  const t = inputs + 1;
  const at = inputs - 1;
  const partialRounds = C[at].length - FULL_ROUNDS * t;
  const byOutput = (matrix: Table<string>): string[] => matrix.flatMap((_, j) => matrix.map((row) => row[j]));
  const values = [...C[at], ...byOutput(M[at]), ...byOutput(P[at]), ...S[at]].map(BigInt);
  return { t, partialRounds, values };
}

async function readPublished(): Promise<Published> {
  // main is build/main.cjs
  const folder = dirname(dirname(createRequire(import.meta.url).resolve('circomlibjs')));
  const path = join(folder, FILE);
  const content: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (isPublished(content)) return content;
  throw new MeedError(
    `${path} holds other constants than Meed expects`,
    'Install circomlibjs as package.json names it',
  );
}

function isPublished(content: unknown): content is Published {
  if (typeof content !== 'object' || content === null) return false;
  return ['C', 'M', 'P', 'S'].every((name) => {
    const list: unknown = Reflect.get(content, name);
    return Array.isArray(list) && list.length === 16;
  });
}
