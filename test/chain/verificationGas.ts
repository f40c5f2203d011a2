/**
 * Gas of verifying proofs one by one and together, from transactions to the verifier: what a transaction used, less its
 * base of 21,000 and its calldata (EIP-2028: 16 a byte, 4 a zero byte), is the verification itself. The values do not
 * matter, so one proof is repeated: the curve's precompiles cost the same for every point and scalar.
 * The trap: a verifier that runs out of gas inside a precompile answers false and does not revert, so an estimate finds
 * the gas of a refusal. The limit is set by hand.
 */
import type { Contract } from 'ethers';
import { type Account, untilMined } from '../../src/chain/account.js';
import { type ForgeableKey, forgeProof } from './forge.js';

const TRANSACTION_BASE = 21_000;
/** Of one transaction: EIP-7825. */
const GAS_LIMIT = 2 ** 24;

export interface BatchGas {
  readonly proofs: number;
  /** Of the verification of all of them, in one call. */
  readonly gas: number;
  /** Of the whole transaction. */
  readonly transactionGas: number;
  /** Part of the gas of as many single verifications that is not used. */
  readonly saved: number;
}

export interface VerificationGas {
  /** Of one proof's verification alone. */
  readonly single: number;
  readonly singleTransaction: number;
  readonly batches: readonly BatchGas[];
}

export async function verificationGas(
  account: Account,
  verifier: Contract,
  key: ForgeableKey,
  sizes: readonly number[],
): Promise<VerificationGas> {
  const signals = [1n, 2n, 3n, 4n].map((signal) => signal << 200n);
  const proof = forgeProof(key, signals);
  const used = (name: string, args: readonly unknown[]) => callGas(account, verifier, name, args);
  const single = await used('verify', [proof, signals]);
  const batches: BatchGas[] = [];
  for (const n of sizes) {
    const together = await used('verifyBatch', [Array<bigint[]>(n).fill(proof), Array<bigint[]>(n).fill(signals)]);
    batches.push({ proofs: n, ...together, saved: 1 - together.gas / (n * single.gas) });
  }
  return { single: single.gas, singleTransaction: single.transactionGas, batches };
}

/** Gas of one call that answers true, and of the transaction that it takes. */
export async function callGas(
  account: Account,
  verifier: Contract,
  name: string,
  args: readonly unknown[],
): Promise<{ readonly gas: number; readonly transactionGas: number }> {
  if ((await verifier.getFunction(name).staticCall(...args)) !== true) throw new Error(`${name} refused its proofs`);
  const data = verifier.interface.encodeFunctionData(name, args);
  const to = await verifier.getAddress();
  const transaction = { from: account.address, to, data, gas: `0x${GAS_LIMIT.toString(16)}` };
  const hash: unknown = await account.provider.send('eth_sendTransaction', [transaction]);
  const { gasUsed } = await untilMined(account.provider, String(hash));
  const bytes = Buffer.from(data.slice(2), 'hex');
  const calldata = bytes.reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0);
  return { gas: Number(gasUsed) - TRANSACTION_BASE - calldata, transactionGas: Number(gasUsed) };
}
