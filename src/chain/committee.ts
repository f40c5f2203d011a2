/**
 * Bonded auditors and their cases, one typed function each: join, open a case, seal a vote, open it, rule on appeal, decide.
 * The trap: a sealed vote is opened by its salt and nothing else, and a vote that is not opened costs a part of the bond; so
 * the salt is made before, and kept by who votes.
 */
import { randomBytes } from 'node:crypto';
import { AbiCoder, hexlify, keccak256 } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { Sent } from './account.js';
import type { ChainClient } from './client.js';
import { approveJudge, askJudge, judgeAt, sendToJudge } from './judges.js';
import { address, bytes32, count, integer, listOf } from './values.js';

/** In the order of Committee.Verdict. */
const VERDICTS = ['none', 'upheld', 'rejected', 'noQuorum'] as const;
export type Verdict = (typeof VERDICTS)[number];
export type CaseVote = 'upheld' | 'rejected';

export interface CommitteeCase {
  readonly index: string;
  /** Hash of what shows the index wrong. */
  readonly evidence: string;
  readonly challenger: string;
  readonly openedAt: number;
  /** The timelock's; none while it ruled nothing. */
  readonly ruling: Verdict;
  /** none until it is carried out. */
  readonly verdict: Verdict;
  readonly members: number;
  readonly upholding: number;
  readonly rejecting: number;
}

/** Lets the committee take `amount` of the account's tokens for bonds. */
export function approveCommittee(client: ChainClient, amount: bigint): Promise<Sent> {
  return approveJudge(client, 'Committee', amount);
}

/** Becomes an auditor, with the bond from what approveCommittee allowed. */
export function joinCommittee(client: ChainClient): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'join', []);
}

export function leaveCommittee(client: ChainClient): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'leave', []);
}

/** Takes the bond back, once the delay is over and every case is decided. */
export function withdrawMemberBond(client: ChainClient): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'withdrawBond', []);
}

/** Applies to a member what its next cases cost it; anyone may. */
export function accountMember(client: ChainClient, member: string, cases: number): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'account', [member, cases]);
}

/** Token units of a member's bond that are left; 0 for who is none. */
export async function memberBond(client: ChainClient, member: string): Promise<bigint> {
  return listOf(await askJudge(client, 'Committee', 'memberOf', [member]), 'member', integer)[0];
}

/** Opens a case with a bond from what approveCommittee allowed. The evidence should name its challenger, so that a copy is seen. */
export async function openCase(
  client: ChainClient,
  index: string,
  evidence: string,
): Promise<Sent & { readonly caseId: bigint }> {
  const committee = await judgeAt(client, 'Committee');
  const mined = await client.account.send('open', committee, 'open', [index, evidence]);
  for (const log of mined.receipt.logs) {
    const parsed = log.address === committee.target ? committee.interface.parseLog(log) : null;
    if (parsed?.name !== 'CaseOpened') continue;
    const { hash, gasUsed, blockNumber } = mined;
    return { hash, gasUsed, blockNumber, caseId: integer(parsed.args.getValue('caseId'), 'caseId') };
  }
  throw new MeedError(`The case was opened in ${mined.hash} without its CaseOpened event`, 'Use another node');
}

/** 32 random bytes, to be kept until the vote is opened. */
export function newVoteSalt(): string {
  return hexlify(randomBytes(32));
}

/** What a member says, and the salt that hides it until then. */
export interface SealedVote {
  readonly vote: CaseVote;
  readonly salt: string;
}

export function sealVote(client: ChainClient, caseId: bigint, { vote, salt }: SealedVote): Promise<Sent> {
  const sealed = keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['uint256', 'address', 'uint8', 'bytes32'],
      [caseId, client.account.address, VERDICTS.indexOf(vote), salt],
    ),
  );
  return sendToJudge(client, 'Committee', 'commitVote', [caseId, sealed]);
}

export function revealVote(client: ChainClient, caseId: bigint, { vote, salt }: SealedVote): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'revealVote', [caseId, VERDICTS.indexOf(vote), salt]);
}

/** Rules otherwise than the members; only the owner of the committee may: the timelock. */
export function ruleCase(client: ChainClient, caseId: bigint, ruling: Exclude<Verdict, 'none'>): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'rule', [caseId, VERDICTS.indexOf(ruling)]);
}

/** Carries the verdict out, once no appeal can come; anyone may. */
export function decideCase(client: ChainClient, caseId: bigint): Promise<Sent> {
  return sendToJudge(client, 'Committee', 'decide', [caseId]);
}

export async function readCase(client: ChainClient, caseId: bigint): Promise<CommitteeCase> {
  const answer = await askJudge(client, 'Committee', 'caseOf', [caseId]);
  const [index, evidence, challenger, openedAt, ruling, verdict, members, upholding, rejecting] = listOf(
    answer,
    'case',
    (value) => value,
  );
  return {
    index: bytes32(index, 'case.index'),
    evidence: bytes32(evidence, 'case.evidence'),
    challenger: address(challenger, 'case.challenger'),
    openedAt: count(openedAt, 'case.openedAt'),
    ruling: verdictOf(ruling),
    verdict: verdictOf(verdict),
    members: count(members, 'case.members'),
    upholding: count(upholding, 'case.upholding'),
    rejecting: count(rejecting, 'case.rejecting'),
  };
}

function verdictOf(value: unknown): Verdict {
  const found = VERDICTS[count(value, 'verdict')];
  if (found !== undefined) return found;
  throw new MeedError(`The node names a verdict ${String(value)}`, 'Use another node');
}
