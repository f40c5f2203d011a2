/**
 * Statements that validators sign off chain, and what becomes of two that contradict each other. Evidence is announced a
 * second before it is shown, so that nobody who copies it is first.
 * The trap: the time in a statement is its signer's word, and the stake of that time stands behind it. Who relies on a
 * statement calls requireFresh.
 */
import { AbiCoder, keccak256, TypedDataEncoder } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { Sent, TypedDataTypes } from './account.js';
import type { ChainClient } from './client.js';
import { judgeAt, sendToJudge } from './judges.js';

/** This subject has this value, said at this time. */
export interface Statement {
  /** 32 bytes, 0x hex: indexSubject or scoresSubject. */
  readonly subject: string;
  /** 32 bytes, 0x hex. */
  readonly value: string;
  /** Seconds. */
  readonly at: number;
}

export interface SignedStatement extends Statement {
  readonly signature: string;
}

const STATEMENT_TYPES: TypedDataTypes = {
  Statement: [
    { name: 'subject', type: 'bytes32' },
    { name: 'value', type: 'bytes32' },
    { name: 'at', type: 'uint64' },
  ],
};

/** The account's signature of a statement for this deployment. */
export async function signStatement(client: ChainClient, statement: Statement): Promise<SignedStatement> {
  const { subject, value, at } = statement;
  const message = { subject, value, at };
  const signature = await client.account.signTyped(await domainOf(client), STATEMENT_TYPES, message);
  return { ...message, signature };
}

/** @throws MeedError when the statement was not made within `seconds` of now: little stake may stand behind it */
export function requireFresh({ at }: Statement, now: number, seconds: number): void {
  if (Math.abs(now - at) <= seconds) return;
  throw new MeedError(
    `The statement says that it was made at ${at}, ${Math.abs(now - at)} seconds from now`,
    'Ask its validator for one of now',
  );
}

/** Announces the evidence; this account can show it from the next second on. */
export async function announceEvidence(client: ChainClient, first: Statement, second: Statement): Promise<Sent> {
  const domain = await domainOf(client);
  const digest = ({ subject, value, at }: Statement): string =>
    TypedDataEncoder.hash(domain, { Statement: [...STATEMENT_TYPES.Statement] }, { subject, value, at });
  const evidence = keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['address', 'bytes32', 'bytes32'],
      [client.account.address, digest(first), digest(second)],
    ),
  );
  return sendToJudge(client, 'Equivocation', 'announce', [evidence]);
}

/** Slashes whoever signed both; in the order in which they were announced. */
export function showEquivocation(client: ChainClient, first: SignedStatement, second: SignedStatement): Promise<Sent> {
  const tuple = ({ subject, value, at }: Statement) => ({ subject, value, at });
  const args = [tuple(first), first.signature, tuple(second), second.signature];
  return sendToJudge(client, 'Equivocation', 'show', args);
}

/** Subject whose value is the index root that a validator derived again for a model and a data set. */
export function indexSubject(owner: string, datasetId: string, modelId: string): string {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['string', 'address', 'bytes32', 'bytes32'],
      ['index', owner, datasetId, modelId],
    ),
  );
}

/** Where scores belong. */
export interface ScoresPlace {
  readonly settlement: string;
  readonly epoch: bigint;
  readonly shard: bigint;
  readonly batch: bigint;
}

/** Subject whose value is the keccak256 of a shard's packed scores against a batch. */
export function scoresSubject({ settlement, epoch, shard, batch }: ScoresPlace): string {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['string', 'address', 'uint256', 'uint256', 'uint256'],
      ['scores', settlement, epoch, shard, batch],
    ),
  );
}

async function domainOf(client: ChainClient) {
  const verifyingContract = String((await judgeAt(client, 'Equivocation')).target);
  return { name: 'Meed statements', version: '1', chainId: client.deployment.chainId, verifyingContract };
}
