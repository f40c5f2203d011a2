/**
 * Who decides what no proof shows, deployed: bonded auditors, equivocation, demanded openings. The disputes name them for
 * good before they exist, so the three are deployed right after the index registry, in one order, and compared with the
 * addresses that the disputes were given.
 */
import { Contract } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { Account, Sent } from './account.js';
import type { ChainClient } from './client.js';
import { compileContracts } from './compile.js';
import type { Create } from './disputes.js';
import type { Hashers } from './poseidonTables.js';
import { explainRefusal } from './refusals.js';
import { address, record } from './values.js';

/** Figures of the committee, for good; shares are parts of WHOLE_SHARE. */
export interface CommitteeTerms {
  /** Token units of an auditor. */
  readonly memberBond: bigint;
  /** Token units of who opens a case. */
  readonly caseBond: bigint;
  /** Seconds in which votes are sealed, then opened, then appealed against, then carried out. */
  readonly commitPeriod: number;
  readonly revealPeriod: number;
  readonly appealPeriod: number;
  readonly executionPeriod: number;
  /** Seconds from the request to leave to the bond's return; longer than a case. */
  readonly leaveDelay: number;
  /** Of the members, who must open a vote. */
  readonly quorumShare: bigint;
  /** Of its bond that a member loses who opens no vote. */
  readonly absenceShare: bigint;
  /** Of its bond that a member loses who voted against what the timelock ruled. */
  readonly dissentShare: bigint;
}

/** Figures of demanded openings, for good. */
export interface RequestTerms {
  /** Seconds in which the owner answers. */
  readonly responseWindow: number;
  /** Seconds in which an answer can be refuted. */
  readonly refutationWindow: number;
  /** Requests of one index that may wait at a time. */
  readonly openMax: number;
  /** Token units to the owner for a true answer; the rest of the deposit is burned. */
  readonly answerPrice: bigint;
  readonly deposit: bigint;
}

export interface JudgesTerms {
  readonly committee: CommitteeTerms;
  /** Of the stake that an equivocation takes. */
  readonly equivocationShare: bigint;
  readonly requests: RequestTerms;
}

const JUDGES = ['Committee', 'Equivocation', 'DataRequests'] as const;
export type JudgeName = (typeof JUDGES)[number];

/** Where the three lie. */
export type JudgesDeployment = Readonly<Record<JudgeName, string>>;

/** Seconds by which the window of an index may be prolonged: what the longer of a case and a request needs. */
export function longestHold({ committee, requests }: JudgesTerms): number {
  const { commitPeriod, revealPeriod, appealPeriod, executionPeriod } = committee;
  return Math.max(
    commitPeriod + revealPeriod + appealPeriod + executionPeriod,
    requests.responseWindow + requests.refutationWindow,
  );
}

export interface JudgesOptions {
  readonly terms: JudgesTerms;
  /** The disputes that they report to. */
  readonly disputes: string;
  /** Columns of the deployment's circuits. */
  readonly columns: number;
  readonly hashers: Hashers;
  /** Hears appeals from the committee. */
  readonly appeals: string;
  /** Where the disputes look for them. */
  readonly expected: JudgesDeployment;
}

/** @throws MeedError when terms are out of range, or a judge is not where the disputes look for it */
export async function deployJudges(
  deployer: Account,
  { terms, disputes, columns, hashers, appeals, expected }: JudgesOptions,
  create: Create,
): Promise<JudgesDeployment> {
  const { node, leaf, block, lastBlock } = hashers;
  const made = async (name: JudgeName, args: readonly unknown[]): Promise<string> => {
    const { address: found } = await create(deployer, name, args);
    if (found === expected[name]) return found;
    throw new MeedError(
      `${name} is at ${found}, the disputes were deployed for ${expected[name]}`,
      'Deploy again from an account that sends nothing else meanwhile',
    );
  };
  return {
    Committee: await made('Committee', [disputes, terms.committee, appeals]),
    Equivocation: await made('Equivocation', [disputes, terms.equivocationShare]),
    DataRequests: await made('DataRequests', [disputes, columns, [node, leaf, block, lastBlock], terms.requests]),
  };
}

/** @throws MeedError when a field is missing or of the wrong kind */
export function parseJudges(value: unknown): JudgesDeployment {
  const addresses = record(value, 'judges');
  const at = (name: JudgeName): string => address(addresses[name], `judges.${name}`);
  return { Committee: at('Committee'), Equivocation: at('Equivocation'), DataRequests: at('DataRequests') };
}

/** @throws MeedError when the deployment has no judges */
export async function judgeAt({ account, deployment }: ChainClient, name: JudgeName): Promise<Contract> {
  if (deployment.judges !== undefined) {
    return new Contract(deployment.judges[name], (await compileContracts())[name].abi, account.provider);
  }
  throw new MeedError('This deployment has no judges but its arbiter', 'Deploy with the terms of judges');
}

/** Sends a call to one of the judges. */
export async function sendToJudge(
  client: ChainClient,
  name: JudgeName,
  method: string,
  args: readonly unknown[],
): Promise<Sent> {
  const { hash, gasUsed, blockNumber } = await client.account.send(method, await judgeAt(client, name), method, args);
  return { hash, gasUsed, blockNumber };
}

/** What a view of one of the judges answers. */
export async function askJudge(
  client: ChainClient,
  name: JudgeName,
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  const contract = await judgeAt(client, name);
  try {
    return await contract.getFunction(method).staticCall(...args);
  } catch (error) {
    throw explainRefusal(method, error, client.account.errors);
  }
}

/** Lets one of the judges take `amount` of the account's tokens; replaces an earlier approval. */
export async function approveJudge(client: ChainClient, name: JudgeName, amount: bigint): Promise<Sent> {
  const spender = (await judgeAt(client, name)).target;
  const token = client.contracts.get('AttributionToken');
  if (token === undefined) throw new MeedError('The client does not know the token', 'Open it with openClient');
  const { hash, gasUsed, blockNumber } = await client.account.send('approve', token, 'approve', [spender, amount]);
  return { hash, gasUsed, blockNumber };
}
