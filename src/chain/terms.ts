/**
 * The terms that governance may change, by version: an epoch keeps those that held when it was opened, so its split is
 * derived from its own version and not from the newest.
 */
import { Contract, type JsonRpcProvider } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { FeePolicy } from '../prover/reference/index.js';
import type { Sent } from './account.js';
import { type ChainClient, send } from './client.js';
import { type ContractName, compileContracts } from './compile.js';
import type { Deployment } from './deploy.js';
import { address, count, integer } from './values.js';

/** Fees, splits, windows and roles. */
export interface ProtocolTerms extends FeePolicy {
  /** Gets the platform's part and dust. */
  readonly treasury: string;
  readonly stakers: string;
  /** Contract that shares the contributors' part. */
  readonly policy: string;
  /** Token units behind each index during its window. */
  readonly indexBond: bigint;
  /** Seconds from an index's registration to its first payout. */
  readonly challengeWindow: number;
  /** Seconds from an epoch's close until its fees may be taken back. */
  readonly refundTimeout: number;
  /** Seconds after which anyone may close an open epoch. */
  readonly longestOpen: number;
}

/** The terms of one epoch. @throws MeedError when the node does not answer like the contracts */
export async function epochTerms(
  provider: JsonRpcProvider,
  deployment: Deployment,
  epoch: bigint,
): Promise<ProtocolTerms> {
  const opened = await read(provider, deployment, 'ReceiptBook', 'epochOf', epoch);
  const terms = await read(provider, deployment, 'ProtocolTerms', 'at', count(opened('terms'), 'terms'));
  const part = (name: string): number => count(terms(name), name);
  return {
    platformBps: part('platformBps'),
    betaBps: part('betaBps'),
    gammaBps: part('gammaBps'),
    deltaBps: part('deltaBps'),
    treasury: address(terms('treasury'), 'treasury'),
    stakers: address(terms('stakers'), 'stakers'),
    policy: address(terms('policy'), 'policy'),
    indexBond: integer(terms('indexBond'), 'indexBond'),
    challengeWindow: part('challengeWindow'),
    refundTimeout: part('refundTimeout'),
    longestOpen: part('longestOpen'),
  };
}

/** Sets the terms of what comes; only the owner of the terms may. */
export function setTerms(client: ChainClient, terms: ProtocolTerms): Promise<Sent> {
  return send(client, 'set terms', 'ProtocolTerms', 'set', [terms]);
}

/** A view's struct, by field. */
async function read(
  provider: JsonRpcProvider,
  deployment: Deployment,
  name: ContractName,
  method: string,
  argument: bigint | number,
): Promise<(field: string) => unknown> {
  const { abi } = (await compileContracts())[name];
  const view = new Contract(deployment.addresses[name], abi, provider).getFunction(method);
  const answer: unknown = await view.staticCall(argument).catch((cause: unknown) => {
    throw new MeedError(
      `The node does not answer ${name}.${method}(${argument})`,
      'Check the epoch, or use another node',
      {
        cause,
      },
    );
  });
  if (typeof answer === 'object' && answer !== null) return (field) => Reflect.get(answer, field);
  throw new MeedError(`The node answered ${name}.${method} with no struct`, 'Use another node');
}
