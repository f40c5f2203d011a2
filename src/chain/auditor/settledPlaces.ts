/**
 * What was given to the settlement for each (shard, batch), read from the calldata of the transaction that its event names:
 * one that settles several places is fetched and decoded once.
 * The trap: a settlement may be called by another contract, and then its calldata is not the transaction's. Such a place
 * is still bound by its event's ρ, but its proof cannot be read here, and that is said.
 */
import { getBytes, Interface, type JsonRpcProvider, Result } from 'ethers';
import { unpackScores } from '../../prover/reference/index.js';
import { compileContracts } from '../compile.js';
import type { Deployment } from '../deploy.js';
import type { ChainEvent } from '../events.js';
import { address, bytes, integer, listOf, record } from '../values.js';
import { differs, requireEqual } from './check.js';

export interface SettledPlace {
  readonly shard: bigint;
  readonly batch: bigint;
  /** S · Q, score[k·Q + q]. */
  readonly scores: BigInt64Array;
  /** S addresses, the zero address at unused slots. */
  readonly slotContributors: readonly string[];
  /** Eight words in the EVM's order. */
  readonly proof: readonly bigint[];
}

/**
 * The calldata of each settlement, in the order of the events given.
 * @throws MeedError when a transaction is missing, or was no settlement of its place
 */
export async function settledPlaces(
  provider: JsonRpcProvider,
  deployment: Deployment,
  settled: readonly ChainEvent<'ShardSettled'>[],
): Promise<SettledPlace[]> {
  const abi = new Interface((await compileContracts()).EpochSettlement.abi);
  const hashes = [...new Set(settled.map(({ transactionHash }) => transactionHash))];
  const calls = new Map(
    await Promise.all(hashes.map(async (hash) => [hash, await placesOf(provider, deployment, abi, hash)] as const)),
  );
  return settled.map(({ transactionHash, shard, batch }) => {
    const place = calls.get(transactionHash)?.find((one) => one.shard === shard && one.batch === batch);
    if (place) return place;
    throw differs(`the place settled by ${transactionHash}`, 'another', `${shard}, ${batch}`);
  });
}

async function placesOf(
  provider: JsonRpcProvider,
  deployment: Deployment,
  abi: Interface,
  hash: string,
): Promise<SettledPlace[]> {
  // not getTransaction: ethers would serialise and hash all of the calldata again
  const answer: unknown = await provider.send('eth_getTransactionByHash', [hash]);
  if (answer === null) throw differs(`the transaction ${hash}`, 'missing', 'present');
  const { to, input } = record(answer, 'eth_getTransactionByHash');
  requireEqual(
    'the receiver of the settlement',
    to === null ? to : address(to, 'to'),
    deployment.addresses.EpochSettlement,
  );
  const call = abi.parseTransaction({ data: bytes(input, 'input') });
  if (call?.name !== 'settle' && call?.name !== 'settleMany') {
    throw differs(`the call of ${hash}`, call?.name, 'settle or settleMany');
  }
  const proven: unknown = call.args.getValue('proven');
  const places = call.name === 'settle' ? [proven] : listOf(proven, 'proven', (place) => place);
  return places.map((place) => {
    if (!(place instanceof Result)) throw differs(`the place settled by ${hash}`, 'no struct', 'one');
    return {
      shard: integer(place.getValue('shard'), 'shard'),
      batch: integer(place.getValue('batch'), 'batch'),
      scores: unpackScores(getBytes(bytes(place.getValue('packedScores'), 'packedScores'))),
      slotContributors: listOf(place.getValue('slotContributors'), 'slotContributors', address),
      proof: listOf(place.getValue('proof'), 'proof', integer),
    };
  });
}
