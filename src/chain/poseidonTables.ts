/**
 * Poseidon on chain: one contract for each number of inputs, made from circomlib's constants. They are too large for one
 * contract, so they are stored as the code of up to three, behind a STOP; the contract compares them with the hash that its
 * source names, so nothing here has to be trusted.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { concat, toBeHex, ZeroAddress } from 'ethers';
import { MeedError } from '../foundation/index.js';
import { wordCount } from '../prover/reference/index.js';
import type { Account } from './account.js';
import type { Create } from './disputes.js';
import { integer, listOf, record, text } from './values.js';

/** With the STOP, below the size of a code. */
const TABLE_WORDS = 767;
const TABLES = 3;
/** Elements that a permutation of a chain absorbs. */
const RATE = 15;

/** Addresses, as RowAnswers.Hashers has them. */
export interface Hashers {
  readonly node: string;
  readonly leaf: string;
  readonly block: string;
  readonly lastBlock: string;
}

/** Deploys the permutations that hash an index of so many columns. */
export async function deployHashers(deployer: Account, columns: number, create: Create): Promise<Hashers> {
  const made = new Map<number, string>();
  const poseidon = async (inputs: number): Promise<string> => {
    const found = made.get(inputs) ?? (await deployPoseidon(deployer, inputs, create));
    made.set(inputs, found);
    return found;
  };
  const words = wordCount(columns);
  return {
    node: await poseidon(2),
    leaf: await poseidon(5),
    block: words > RATE ? await poseidon(RATE + 1) : ZeroAddress,
    lastBlock: await poseidon(((words - 1) % RATE) + 2),
  };
}

/** @param inputs 1 to 16 */
export async function deployPoseidon(deployer: Account, inputs: number, create: Create): Promise<string> {
  const words = tableOf(inputs);
  const tables: string[] = [];
  for (let start = 0; start < words.length; start += TABLE_WORDS) {
    tables.push(await storeTable(deployer, words.slice(start, start + TABLE_WORDS)));
  }
  while (tables.length < TABLES) tables.push(ZeroAddress);
  return (await create(deployer, 'PoseidonHash', [inputs, tables])).address;
}

/** Round constants, then the matrix by rows. */
function tableOf(inputs: number): string[] {
  const file = join(
    dirname(createRequire(import.meta.url).resolve('circomlibjs')),
    '..',
    'src',
    'poseidon_constants.json',
  );
  const { C, M } = record(JSON.parse(readFileSync(file, 'utf8')), 'the constants of Poseidon');
  const word = (value: unknown, field: string): string => toBeHex(integer(BigInt(text(value, field)), field), 32);
  const rows = (value: unknown, field: string): string[] => listOf(value, field, word);
  const constants = listOf(C, 'C', (value, field) => value ?? field)[inputs - 1];
  const matrix = listOf(M, 'M', (value, field) => value ?? field)[inputs - 1];
  return [...rows(constants, 'C'), ...listOf(matrix, 'M', rows).flat()];
}

/** The creation code returns all that follows it: a STOP and the words. */
async function storeTable(deployer: Account, words: readonly string[]): Promise<string> {
  const stored = concat(['0x00', ...words]);
  const size = toBeHex(1 + 32 * words.length, 2);
  // PUSH2 size, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN
  const data = concat(['0x61', size, '0x80600c6000396000f3', stored]);
  const { receipt } = await deployer.transact('the deployment of a table', { data });
  if (receipt.contractAddress === null) throw new MeedError('A table got no address', 'Check the node');
  return receipt.contractAddress;
}
