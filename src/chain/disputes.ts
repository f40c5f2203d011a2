/**
 * Disputes about an index by proof: their contracts deployed, and a dispute filed. What a statement is about the contract
 * takes from the registration, so a call names only the index, its slots as registered, the place and the proof.
 * The trap: the registry names its arbiter for good when it is made, and the disputes name their registry; so the disputes
 * are deployed just before it, for the address that it will have.
 */
import { Contract, getCreateAddress, type JsonRpcProvider, ZeroAddress } from 'ethers';
import { MeedError } from '../foundation/index.js';
import { keyWordsHash } from '../prover/index.js';
import type { Account, Sent } from './account.js';
import type { ChainClient } from './client.js';
import { type CompiledName, compileContracts } from './compile.js';
import type { Deployment } from './deploy.js';
import type { JudgesDeployment } from './judges.js';
import { address, bytes32, count, record } from './values.js';
import { type KeyWords, requireUnforgeable } from './verifyingKey.js';

/** The circuits of docs/protocol.md, "Disputes", for one number of columns and of slots a shard. */
export interface DisputeCircuits {
  readonly sumStep: KeyWords;
  readonly rowRange: KeyWords;
  readonly slotIsPrefix: KeyWords;
  /** D: most levels of an index tree. */
  readonly levels: number;
}

const SIGNALS = { sumStep: 5, rowRange: 4, slotIsPrefix: 7 } as const;
type CircuitName = keyof typeof SIGNALS;

export interface DisputesDeployment {
  readonly addresses: Readonly<Record<'Disputes' | CircuitName, string>>;
  /** The registry that they were made for. */
  readonly indexes: string;
  readonly levels: number;
}

export interface DisputeTerms {
  /** S of SlotIsPrefix. */
  readonly slots: number;
  /** Judges what no proof can; undefined for the three judges that are deployed right after the registry. */
  readonly committee?: string;
  /** The staking contract, or the zero address where nobody is slashed. */
  readonly staking: string;
  /** Of the owner's stake that a proof takes; WHOLE_SHARE is all of it. */
  readonly slashShare: bigint;
}

export type Create = (
  account: Account,
  name: CompiledName,
  args: readonly unknown[],
) => Promise<{ readonly address: string }>;

/** The contract that is deployed next by this account must be the index registry. */
export async function deployDisputes(
  deployer: Account,
  circuits: DisputeCircuits,
  { slots, committee, staking, slashShare }: DisputeTerms,
  create: Create,
): Promise<{ readonly disputes: DisputesDeployment; readonly judges?: JudgesDeployment }> {
  const verifier = async (name: CircuitName): Promise<string> => {
    requireUnforgeable(circuits[name], deployer.chainId, SIGNALS[name]);
    return (await create(deployer, 'StatementVerifier', [circuits[name]])).address;
  };
  const sumStep = await verifier('sumStep');
  const rowRange = await verifier('rowRange');
  const slotIsPrefix = await verifier('slotIsPrefix');
  const nonce = await deployer.provider.getTransactionCount(deployer.address);
  const next = (steps: number): string => getCreateAddress({ from: deployer.address, nonce: nonce + steps });
  const indexes = next(1);
  const judges =
    committee === undefined ? { Committee: next(2), Equivocation: next(3), DataRequests: next(4) } : undefined;
  const named = [judges?.Committee ?? committee, judges?.Equivocation, judges?.DataRequests];
  const judgeTuple = named.map((judge) => judge ?? ZeroAddress);
  const args = [indexes, sumStep, rowRange, slotIsPrefix, circuits.levels, slots, judgeTuple, staking, slashShare];
  const { address: Disputes } = await create(deployer, 'Disputes', args);
  const addresses = { Disputes, sumStep, rowRange, slotIsPrefix };
  return { disputes: { addresses, indexes, levels: circuits.levels }, ...(judges && { judges }) };
}

/** Whether the verifiers on chain take proofs of exactly these keys; the first that does not, or undefined. */
export async function otherDisputeKey(
  provider: JsonRpcProvider,
  { addresses }: DisputesDeployment,
  keys: Readonly<Record<CircuitName, KeyWords>>,
): Promise<CircuitName | undefined> {
  const { abi } = (await compileContracts()).StatementVerifier;
  for (const name of ['sumStep', 'rowRange', 'slotIsPrefix'] as const) {
    const verifier = new Contract(addresses[name], abi, provider);
    const onChain = bytes32(await verifier.getFunction('keyHash').staticCall(), `the key of ${name}`);
    if (onChain !== keyWordsHash(keys[name])) return name;
  }
  return undefined;
}

/** @throws MeedError when a field is missing or of the wrong kind */
export function parseDisputes(value: unknown): DisputesDeployment {
  const whole = record(value, 'disputes');
  const addresses = record(whole.addresses, 'disputes.addresses');
  const at = (name: string): string => address(addresses[name], `disputes.addresses.${name}`);
  return {
    addresses: {
      Disputes: at('Disputes'),
      sumStep: at('sumStep'),
      rowRange: at('rowRange'),
      slotIsPrefix: at('slotIsPrefix'),
    },
    indexes: address(whole.indexes, 'disputes.indexes'),
    levels: count(whole.levels, 'disputes.levels'),
  };
}

/** The slots of one shard, exactly as registered. */
export interface ShardSlots {
  readonly shard: number;
  /** Where its first slot begins. */
  readonly firstRow: number;
  readonly slots: readonly { readonly end: number; readonly contributor: string }[];
}

/** An index, the shard in question, and a proof made for the account that files the dispute. */
export interface IndexDispute {
  readonly index: string;
  readonly registered: ShardSlots;
  /** A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y */
  readonly proof: readonly bigint[];
}

/** The running sum at `row` does not add up: a proof of SumStep. */
export function disputeSum(client: ChainClient, { index, registered, proof, row }: IndexDispute & { row: number }) {
  return file(client, 'disputeSum', [index, registered, row, proof]);
}

/** The row is no vector of int8 entries in [−127, 127]: a proof of RowRange. */
export function disputeRow(client: ChainClient, { index, registered, proof, row }: IndexDispute & { row: number }) {
  return file(client, 'disputeRow', [index, registered, row, proof]);
}

/** Element `position` of the shard's list is not what was registered: a proof of SlotIsPrefix. */
export function disputeSlot(
  client: ChainClient,
  { index, registered, proof, position }: IndexDispute & { position: number },
) {
  return file(client, 'disputeSlot', [index, registered, position, proof]);
}

/** The committee's verdict on what no proof can show; only the committee may. */
export function judgeIndex(
  client: ChainClient,
  { index, evidence, challenger }: { readonly index: string; readonly evidence: string; readonly challenger: string },
) {
  return file(client, 'judge', [index, evidence, challenger]);
}

async function file(client: ChainClient, method: string, args: readonly unknown[]): Promise<Sent> {
  const contract = await disputesAt(client.account, client.deployment);
  const { hash, gasUsed, blockNumber } = await client.account.send(method, contract, method, args);
  return { hash, gasUsed, blockNumber };
}

async function disputesAt(account: Account, { disputes }: Deployment): Promise<Contract> {
  if (disputes !== undefined) {
    return new Contract(disputes.addresses.Disputes, (await compileContracts()).Disputes.abi, account.provider);
  }
  throw new MeedError('This deployment takes no disputes by proof', 'Deploy with the circuits of disputes');
}
