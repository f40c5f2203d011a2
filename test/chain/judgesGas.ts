/**
 * Gas of the judges as transactions on a node, at 128 columns and an index of 65,536 rows: what a case, an equivocation and a
 * forced opening cost whom. Of the rows only the one demanded is opened; the others' leaves are 0, which changes no cost.
 */
import {
  announceEvidence,
  answerRow,
  approveCommittee,
  approveRequests,
  closeRequest,
  decideCase,
  joinCommittee,
  mintTokens,
  newVoteSalt,
  openCase,
  refuteAnswer,
  requestRow,
  revealVote,
  type Sent,
  sealVote,
  showEquivocation,
  signStatement,
} from '../../src/chain/index.js';
import { type OpenedIndex, type RowAnswer, rowAnswer } from '../../src/prover/index.js';
import { type Hasher, loadHasher, merkleTree, openedLeaf, openVector } from '../../src/prover/reference/index.js';
import { JUDGES, openJudgesWorld, registerOpened, stakeOwner } from './judgesWorld.js';
import { DEPLOYER, elementOf, hashOf, OWNER, STRANGER, type World } from './world.js';

const COLUMNS = 128;
const LEVELS = 16;
const ROWS = 2 ** LEVELS;
const SLOT_ROWS = 256;
const MEMBERS = 3;
const INSTANCE = { slots: 16, queries: 2, columns: COLUMNS };

type Gas = Record<string, number>;
type Recorder = <T extends Sent>(what: string, sent: T) => T;

export async function judgesGas(): Promise<Gas> {
  const gas: Gas = {};
  const record: Recorder = (what, sent) => {
    gas[what] = Number(sent.gasUsed);
    return sent;
  };
  const hasher = await loadHasher();
  const opened = firstRowOpened(hasher);
  const world = await openJudgesWorld(INSTANCE, LEVELS);
  try {
    await stakeOwner(world, 10_000n);
    await recordOpenings(world, opened, rowAnswer(hasher, opened, 0), record);
    await recordCase(world, opened, record);
    await recordEquivocation(world, record);
  } finally {
    await world.stop();
  }
  return gas;
}

function firstRowOpened(hasher: Hasher): OpenedIndex {
  const vector = (name: string) =>
    openVector(
      elementOf(name),
      Array.from({ length: COLUMNS }, (_, j) => ((j * 7919) % 255) - 127),
    );
  const row = {
    dataSetLeaf: elementOf('row hash'),
    contributor: elementOf('contributor') >> 88n,
    row: vector('row'),
    prefix: vector('prefix'),
  };
  const leaves = [openedLeaf(hasher, COLUMNS, row), ...Array<bigint>(ROWS - 1).fill(0n)];
  return { columns: COLUMNS, rows: [row], tree: merkleTree(hasher, leaves) };
}

async function recordOpenings(world: World, opened: OpenedIndex, truth: RowAnswer, record: Recorder): Promise<void> {
  const [owner, challenger, deployer] = await Promise.all([OWNER, STRANGER, DEPLOYER].map(world.as));
  const { deposit, responseWindow, refutationWindow } = JUDGES.requests;
  await mintTokens(deployer, challenger.account.address, 10n * deposit);
  await approveRequests(challenger, 10n * deposit);
  const place = async () => ({ index: await registerOpened(world, opened, ROWS, SLOT_ROWS), row: 0 });
  const answered = await place();
  record('demand an opening', await requestRow(challenger, answered));
  record('answer: a forced opening, 128 columns, 65,536 rows', await answerRow(owner, answered, truth));
  await world.later(refutationWindow + 1);
  record('close a request that was answered', await closeRequest(challenger, answered));
  for (const [what, step] of [
    ['refute a row', 0],
    ['refute a leaf', 2],
    ['refute a node', 3],
  ] as const) {
    const refuted = await place();
    await requestRow(challenger, refuted);
    const lie = { ...truth, hashes: truth.hashes.with(step, truth.hashes[step] + 1n) };
    await answerRow(owner, refuted, lie);
    record(`${what} of an answer`, await refuteAnswer(challenger, { ...refuted, step }, lie));
  }
  const missing = await place();
  await requestRow(challenger, missing);
  await world.later(responseWindow + 1);
  record('close a request that was not answered', await closeRequest(challenger, missing));
}

async function recordCase(world: World, opened: OpenedIndex, record: Recorder): Promise<void> {
  const [challenger, deployer] = await Promise.all([STRANGER, DEPLOYER].map(world.as));
  const { memberBond, caseBond, commitPeriod, revealPeriod, appealPeriod } = JUDGES.committee;
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, i) => world.as(4 + i)));
  for (const member of members) {
    await mintTokens(deployer, member.account.address, memberBond);
    await approveCommittee(member, memberBond);
    record('join the committee', await joinCommittee(member));
  }
  await world.later(1);
  const index = await registerOpened(world, opened, ROWS, SLOT_ROWS);
  await mintTokens(deployer, challenger.account.address, caseBond);
  await approveCommittee(challenger, caseBond);
  const { caseId } = record('open a case', await openCase(challenger, index, hashOf('evidence')));
  const sealed = { vote: 'upheld', salt: newVoteSalt() } as const;
  for (const member of members) record('seal a vote', await sealVote(member, caseId, sealed));
  await world.later(commitPeriod);
  for (const member of members) record('open a vote', await revealVote(member, caseId, sealed));
  await world.later(revealPeriod + appealPeriod);
  record('decide a case, upheld', await decideCase(challenger, caseId));
}

async function recordEquivocation(world: World, record: Recorder): Promise<void> {
  const [owner, challenger] = await Promise.all([OWNER, STRANGER].map(world.as));
  const at = (await owner.account.provider.getBlock('latest'))?.timestamp ?? 0;
  const statement = (value: string) => signStatement(owner, { subject: hashOf('subject'), value: hashOf(value), at });
  const [first, second] = [await statement('one'), await statement('another')];
  record('announce an equivocation', await announceEvidence(challenger, first, second));
  await world.later(1);
  record('show an equivocation', await showEquivocation(challenger, first, second));
}
