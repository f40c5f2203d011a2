/**
 * The contracts: what was deployed is what this version compiles, argument by argument. The transaction that created each
 * contract must begin with our creation code; its tail is the constructor's arguments, and they name the contracts and the key.
 */
import type { TransactionResponse } from 'ethers';
import { keyWords } from '../../prover/index.js';
import { CONTRACT_NAMES, type ContractName, compileContracts } from '../compile.js';
import { type Check, differs, requireEqual } from './check.js';
import type { Evidence } from './evidence.js';
import { requireKeyOnChain, settlementKey } from './key.js';

/** Constructors run in the deployment's first blocks; another transaction may lie between two of them. */
const BLOCKS_SEARCHED = 64;

export const contractCheck: Check = {
  name: 'deployed contracts',
  async run(evidence) {
    const { deployment } = await evidence.registration();
    const created = await creations(evidence);
    const word = (name: ContractName, i: number): bigint =>
      BigInt(`0x${(created.get(name) ?? '').slice(64 * i, 64 * i + 64)}`);
    const points = (name: ContractName, i: number, at: ContractName): void =>
      requireEqual(`argument ${i} of ${name}`, word(name, i), BigInt(deployment.addresses[at]));
    points('IndexRegistry', 0, 'DatanetRegistry');
    points('IndexRegistry', 1, 'AttributionToken');
    points('IndexRegistry', 2, 'ProtocolTerms');
    points('ReceiptBook', 0, 'AttributionToken');
    points('ReceiptBook', 1, 'IndexRegistry');
    points('EpochSettlement', 0, 'ReceiptBook');
    points('EpochSettlement', 1, 'Groth16Verifier');
    const { instance } = (await evidence.index()).options;
    requireEqual('S of the settlement', word('EpochSettlement', 2), BigInt(instance.slots));
    requireEqual('Q of the settlement', word('EpochSettlement', 3), BigInt(instance.queries));
    requireEqual('d of the settlement', word('EpochSettlement', 4), BigInt(instance.columns));
    const { verificationKey, origin } = await settlementKey(evidence);
    const onChain = keyWords(verificationKey).map((_, i) => word('Groth16Verifier', i));
    requireKeyOnChain(onChain, verificationKey, deployment.seal);
    return `${CONTRACT_NAMES.length} contracts were created from the code that these sources compile to, and name one another; proofs are checked with ${origin}`;
  },
};

/** Constructor arguments of each contract as hex, after its creation code was recognised. */
async function creations(evidence: Evidence): Promise<Map<ContractName, string>> {
  const { deployment } = await evidence.registration();
  const compiled = await compileContracts();
  const found = new Map<ContractName, string>();
  const last = Math.min(await evidence.provider.getBlockNumber(), deployment.fromBlock + BLOCKS_SEARCHED);
  for (let number = deployment.fromBlock; number <= last && found.size < CONTRACT_NAMES.length; number++) {
    const block = await evidence.provider.getBlock(number, true);
    for (const transaction of block?.prefetchedTransactions ?? []) {
      const name = await createdBy(evidence, transaction, deployment.addresses);
      if (!name) continue;
      const code = compiled[name].bytecode;
      if (!transaction.data.startsWith(code))
        throw differs(`the code that created ${name}`, 'another one', 'what its source compiles to');
      found.set(name, transaction.data.slice(code.length));
    }
  }
  const missing = CONTRACT_NAMES.find((name) => !found.has(name));
  if (missing) throw differs(`the creation of ${missing}`, 'not found on chain', deployment.addresses[missing]);
  return found;
}

async function createdBy(
  evidence: Evidence,
  transaction: TransactionResponse,
  addresses: Readonly<Record<ContractName, string>>,
): Promise<ContractName | undefined> {
  if (transaction.to !== null) return undefined;
  const receipt = await evidence.provider.getTransactionReceipt(transaction.hash);
  return CONTRACT_NAMES.find((name) => addresses[name] === receipt?.contractAddress);
}
