/**
 * Deploys the contracts in the order in which they name each other: token, terms, registries, book, verifier, settlement.
 * A forgeable key is refused here with a sentence before anything is sent; the contract refuses it once more. A chain where
 * money is real takes only a key whose ceremony was verified, and the deployment says which ceremony that was.
 */
import { Contract, ContractFactory, type JsonRpcProvider, keccak256, ZeroAddress } from 'ethers';
import { type JsonObject, MeedError } from '../foundation/index.js';
import type { CeremonyOrigin, KeySeal } from '../prover/index.js';
import type { FeePolicy, Instance } from '../prover/reference/index.js';
import type { Account } from './account.js';
import { CONTRACT_NAMES, type CompiledName, type ContractName, compileContracts } from './compile.js';
import { type DisputeCircuits, type DisputesDeployment, deployDisputes, parseDisputes } from './disputes.js';
import { deployJudges, type JudgesDeployment, type JudgesTerms, longestHold, parseJudges } from './judges.js';
import { deployHashers } from './poseidonTables.js';
import {
  appointRoles,
  deployStaking,
  openStaking,
  parseStaking,
  type StakingDeployment,
  type StakingTerms,
} from './staking.js';
import type { ProtocolTerms } from './terms.js';
import { address, bytes32, count, hash, record } from './values.js';
import { type KeyWords, requireUnforgeable, requireVerifiedOrigin } from './verifyingKey.js';

const DAY_SECONDS = 86_400;

export interface DeployOptions {
  readonly instance: Instance;
  readonly key: KeyWords;
  /** Where the key comes from; only a development chain goes without. */
  readonly ceremony?: CeremonyOrigin;
  readonly policy: FeePolicy & { readonly treasury: string; readonly stakers: string };
  /** Seconds from an index's registration to its first payout. */
  readonly challengeWindow: number;
  /** Seconds from an epoch's close until its fees may be taken back. */
  readonly refundTimeout: number;
  /** Seconds after which anyone may close an open epoch. */
  readonly longestOpen: number;
  /** Seconds between a payer's notice and the return of what it prepaid; a day unless told. */
  readonly reclaimNotice?: number;
  /** Most token units that can ever exist, below 2^96. */
  readonly tokenCap: bigint;
  /** Token units behind each index during its window; 0 unless told. */
  readonly indexBond?: bigint;
  /** A deployed contract that shares the contributors' part; PositivePart, which is deployed, unless told. */
  readonly payoutPolicy?: string;
  /** Judges what no proof can, or hears appeals from the committee where `judges` are; the deployer unless told. */
  readonly arbiter?: string;
  /** The circuits by which anyone may dispute an index; without them the arbiter disables it alone. */
  readonly disputes?: DisputeCircuits;
  /** Staking of validators, which gets the stakers' part of fees; a proof in a dispute takes `slashShare` of stake. */
  readonly staking?: StakingTerms & { readonly slashShare: bigint };
  /** Bonded auditors, equivocation and demanded openings; they need disputes and staking. */
  readonly judges?: JudgesTerms;
}

/** Where the contracts lie: what every client and auditor needs, and plain JSON. */
export interface Deployment {
  readonly chainId: number;
  /** Block of the first contract: no event is older. */
  readonly fromBlock: number;
  readonly addresses: Readonly<Record<ContractName, string>>;
  readonly instance: Instance;
  readonly circuitId: string;
  /** keccak256 of the code at each address, as deployed. */
  readonly codeHashes: Readonly<Record<ContractName, string>>;
  /** Ties the key on chain to its circuit and its ceremony; a development key has none. */
  readonly seal?: KeySeal;
  readonly disputes?: DisputesDeployment;
  readonly staking?: StakingDeployment;
  readonly judges?: JudgesDeployment;
}

export interface Deployed {
  readonly deployment: Deployment;
  readonly gas: Readonly<Record<ContractName, bigint>>;
}

/** @throws MeedError when the key is forgeable or unverified on this chain, or a constructor refuses */
export async function deploy(deployer: Account, options: DeployOptions): Promise<Deployed> {
  requireUnforgeable(options.key, deployer.chainId);
  requireVerifiedOrigin(options.key, options.ceremony, deployer.chainId);
  if (options.judges !== undefined) requireJudgeable(options, options.judges);
  const { instance, ceremony } = options;
  const steps: Created[] = [];
  const create = async (name: ContractName, args: readonly unknown[]): Promise<string> => {
    const step = await createContract(deployer, name, args);
    steps.push(step);
    return step.address;
  };
  const token = await create('AttributionToken', [options.tokenCap, deployer.address]);
  const staking = await stakingOf(deployer, token, options);
  const positivePart = await create('PositivePart', []);
  const stakers = staking?.address ?? options.policy.stakers;
  const terms = { ...termsOf(options), stakers, policy: options.payoutPolicy ?? positivePart };
  const protocolTerms = await create('ProtocolTerms', [terms, deployer.address]);
  const datanets = await create('DatanetRegistry', []);
  const arbiter = options.arbiter ?? deployer.address;
  const disputeTerms = {
    slots: instance.slots,
    committee: options.judges === undefined ? arbiter : undefined,
    staking: staking?.address ?? ZeroAddress,
    slashShare: options.staking?.slashShare ?? 0n,
  };
  const hashers = options.judges && (await deployHashers(deployer, instance.columns, createContract));
  const made = options.disputes && (await deployDisputes(deployer, options.disputes, disputeTerms, createContract));
  const disputes = made?.disputes;
  const indexes = await create('IndexRegistry', [
    datanets,
    token,
    protocolTerms,
    disputes?.addresses.Disputes ?? arbiter,
    options.judges === undefined ? 0 : longestHold(options.judges),
  ]);
  if (disputes !== undefined) requireSameIndexes(disputes, indexes);
  const judges =
    made?.judges && options.judges && hashers && disputes
      ? await deployJudges(
          deployer,
          {
            terms: options.judges,
            disputes: disputes.addresses.Disputes,
            columns: instance.columns,
            hashers,
            appeals: arbiter,
            expected: made.judges,
          },
          createContract,
        )
      : undefined;
  if (staking !== undefined && disputes !== undefined) {
    const client = await openStaking(deployer, staking);
    await appointRoles(client, { slasher: disputes.addresses.Disputes, lockers: [] });
  }
  const book = await create('ReceiptBook', [token, indexes, options.reclaimNotice ?? DAY_SECONDS]);
  const verifier = await create('Groth16Verifier', [options.key]);
  const settlement = await create('EpochSettlement', [
    book,
    verifier,
    instance.slots,
    instance.queries,
    instance.columns,
  ]);
  const addresses: Record<ContractName, string> = {
    AttributionToken: token,
    PositivePart: positivePart,
    ProtocolTerms: protocolTerms,
    DatanetRegistry: datanets,
    IndexRegistry: indexes,
    ReceiptBook: book,
    Groth16Verifier: verifier,
    EpochSettlement: settlement,
  };
  const { slots, queries, columns } = instance;
  const { abi } = (await compileContracts()).EpochSettlement;
  const circuitId: unknown = await new Contract(settlement, abi, deployer.provider)
    .getFunction('circuitId')
    .staticCall();
  return {
    deployment: {
      chainId: deployer.chainId,
      fromBlock: steps[0].blockNumber,
      addresses,
      instance: { slots, queries, columns },
      circuitId: bytes32(circuitId, 'circuitId'),
      codeHashes: await codeHashes(deployer.provider, addresses),
      ...(ceremony && { seal: ceremony.seal }),
      ...(disputes && { disputes }),
      ...(staking && { staking }),
      ...(judges && { judges }),
    },
    gas: gasByName(steps),
  };
}

/** What is held may still be slashed at its end: evidence must reach back to the registration of the longest held index. */
function requireJudgeable({ disputes, staking, challengeWindow }: DeployOptions, judges: JudgesTerms): void {
  if (disputes === undefined || staking === undefined) {
    throw new MeedError('Judges without disputes and staking have nothing to decide with', 'Give both as well');
  }
  const reach = staking.evidencePeriods * staking.periodSeconds;
  const longest = challengeWindow + longestHold(judges);
  if (reach >= longest) return;
  throw new MeedError(
    `Evidence reaches back ${reach} seconds, and a held index is disputed for up to ${longest}`,
    'Take more evidence periods, or shorter windows',
  );
}

/** The deployer names the slasher, once, as soon as there is one. */
async function stakingOf(
  deployer: Account,
  token: string,
  { staking, disputes, policy }: DeployOptions,
): Promise<StakingDeployment | undefined> {
  if (staking === undefined) return undefined;
  if (disputes === undefined) {
    throw new MeedError('Staking without disputes has nobody who slashes', 'Give the circuits of disputes as well');
  }
  const { slashShare: _, ...terms } = staking;
  return deployStaking(deployer, { ...terms, token, treasury: policy.treasury, appointer: deployer.address });
}

function termsOf({
  policy,
  indexBond = 0n,
  challengeWindow,
  refundTimeout,
  longestOpen,
}: DeployOptions): Omit<ProtocolTerms, 'policy'> {
  const { platformBps, betaBps, gammaBps, deltaBps, treasury, stakers } = policy;
  const shares = { platformBps, betaBps, gammaBps, deltaBps, treasury, stakers };
  return { ...shares, indexBond, challengeWindow, refundTimeout, longestOpen };
}

/** A deployment as JSON, for a manifest or a file. */
export function deploymentJson(deployment: Deployment): JsonObject {
  const { addresses, instance, codeHashes, seal, disputes, staking, judges, ...plain } = deployment;
  return {
    ...plain,
    addresses: { ...addresses },
    instance: { ...instance },
    codeHashes: { ...codeHashes },
    ...(seal && { seal: { ...seal } }),
    ...(disputes && { disputes: { ...disputes, addresses: { ...disputes.addresses } } }),
    ...(staking && { staking: { ...staking } }),
    ...(judges && { judges: { ...judges } }),
  };
}

/** Reads what deploymentJson wrote. @throws MeedError when a field is missing or of the wrong kind */
export function parseDeployment(value: unknown): Deployment {
  const whole = record(value, 'the deployment');
  const addresses = record(whole.addresses, 'addresses');
  const instance = record(whole.instance, 'instance');
  const at = (name: ContractName): string => address(addresses[name], `addresses.${name}`);
  const hashes = record(whole.codeHashes, 'codeHashes');
  const codeHashOf = (name: ContractName): string => bytes32(hashes[name], `codeHashes.${name}`);
  return {
    chainId: count(whole.chainId, 'chainId'),
    fromBlock: count(whole.fromBlock, 'fromBlock'),
    addresses: byContract(at),
    instance: {
      slots: count(instance.slots, 'instance.slots'),
      queries: count(instance.queries, 'instance.queries'),
      columns: count(instance.columns, 'instance.columns'),
    },
    circuitId: bytes32(whole.circuitId, 'circuitId'),
    codeHashes: byContract(codeHashOf),
    ...(whole.seal !== undefined && { seal: parseSeal(whole.seal) }),
    ...(whole.disputes !== undefined && { disputes: parseDisputes(whole.disputes) }),
    ...(whole.staking !== undefined && { staking: parseStaking(whole.staking) }),
    ...(whole.judges !== undefined && { judges: parseJudges(whole.judges) }),
  };
}

/** The disputes were deployed for the address that the registry would have. */
function requireSameIndexes({ indexes }: DisputesDeployment, deployed: string): void {
  if (indexes === deployed) return;
  throw new MeedError(
    `The index registry is at ${deployed}, the disputes were deployed for ${indexes}`,
    'Deploy again from an account that sends nothing else meanwhile',
  );
}

function parseSeal(value: unknown): KeySeal {
  const { circuitHash, keyHash, transcriptHash } = record(value, 'seal');
  return {
    circuitHash: hash(circuitHash, 'seal.circuitHash'),
    keyHash: bytes32(keyHash, 'seal.keyHash'),
    transcriptHash: hash(transcriptHash, 'seal.transcriptHash'),
  };
}

export interface Created {
  readonly name: CompiledName;
  readonly address: string;
  readonly gasUsed: bigint;
  readonly blockNumber: number;
}

/** Deploys one contract. */
export async function createContract(
  deployer: Account,
  name: CompiledName,
  args: readonly unknown[],
): Promise<Created> {
  const { abi, bytecode } = (await compileContracts())[name];
  const { data } = await new ContractFactory(abi, bytecode).getDeployTransaction(...args);
  const { receipt, gasUsed, blockNumber } = await deployer.transact(`the deployment of ${name}`, { data });
  if (receipt.contractAddress === null) throw new MeedError(`${name} got no address`, 'Check the node');
  return { name, address: receipt.contractAddress, gasUsed, blockNumber };
}

/** One of the deployed contracts, for reading and for encoding calls. */
export async function contractAt(account: Account, deployment: Deployment, name: ContractName): Promise<Contract> {
  return new Contract(deployment.addresses[name], (await compileContracts())[name].abi, account.provider);
}

function gasByName(steps: readonly Created[]): Record<ContractName, bigint> {
  return byContract((name) => steps.find((step) => step.name === name)?.gasUsed ?? 0n);
}

/** A value for each contract of a deployment. */
function byContract<T>(of: (name: ContractName) => T): Record<ContractName, T> {
  return {
    AttributionToken: of('AttributionToken'),
    PositivePart: of('PositivePart'),
    ProtocolTerms: of('ProtocolTerms'),
    DatanetRegistry: of('DatanetRegistry'),
    IndexRegistry: of('IndexRegistry'),
    ReceiptBook: of('ReceiptBook'),
    Groth16Verifier: of('Groth16Verifier'),
    EpochSettlement: of('EpochSettlement'),
  };
}

/** keccak256 of the code at each address. */
export async function codeHashes(
  provider: JsonRpcProvider,
  addresses: Deployment['addresses'],
): Promise<Record<ContractName, string>> {
  const hashes = new Map<ContractName, string>();
  for (const name of CONTRACT_NAMES) hashes.set(name, keccak256(await provider.getCode(addresses[name])));
  return byContract((name) => hashes.get(name) ?? '');
}
