/**
 * Transactions that are sent once, whatever happens in between. What is signed is in the journal before it is on the wire;
 * after a restart or a reorganisation the same bytes are sent again, with the same nonce, so the chain takes them at most
 * once. What waits too long is replaced at its own nonce by the same call for a higher fee, up to the cap.
 * The trap: a transaction that waits may have become wrong meanwhile (somebody else settled the place). It is not sent
 * again then; the next one takes its nonce, and must pay more than it did or nodes keep the old one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type BaseWallet, type JsonRpcProvider, Transaction, type TransactionReceipt } from 'ethers';
import { MeedError, messageOf } from '../../foundation/index.js';
import type { Delivery, TransactionWish } from '../account.js';
import type { Journal, SignedTransaction } from './journal.js';

export interface OutboxOptions {
  /** Most wei for a unit of gas; a dearer chain is waited for. */
  readonly feeCap: bigint;
  /** Until a waiting transaction is replaced by one that pays more. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
  /** Told of every mined transaction. */
  readonly onMined?: (what: string, receipt: TransactionReceipt) => void;
}

const PATIENCE_MS = 60_000;
const POLL_MS = 100;
const LOOK_AGAIN = 'Look at the chain again; nobody else may use this account';

/** The chain asks for more than the cap: nothing is wrong, and waiting helps. */
export class FeeAboveCap extends MeedError {}

export class Outbox implements Delivery {
  readonly #journal: Journal;
  readonly #options: OutboxOptions;

  constructor(journal: Journal, options: OutboxOptions) {
    this.#journal = journal;
    this.#options = options;
  }

  /** @throws FeeAboveCap; MeedError when the node refuses it, or the signal comes first */
  async deliver(wish: TransactionWish, wallet: BaseWallet, provider: JsonRpcProvider): Promise<TransactionReceipt> {
    const nonce = await nextNonce(wallet, provider);
    const signed = await this.#journal.from(nonce);
    const waiting = signed.filter((one) => one.nonce === nonce);
    const same = waiting.filter(({ raw }) => isWish(raw, wish));
    if (same.length > 0) for (const { raw } of waiting) await broadcast(provider, raw);
    else await this.#sign(wish, nonce, floorOf(waiting), wallet, provider);
    const receipt = await this.#untilMined(wish, nonce, wallet, provider);
    await this.#journal.forget(nonce);
    this.#options.onMined?.(wish.what, receipt);
    return receipt;
  }

  /**
   * Sends again what an earlier process, or a reorganisation, left behind and what the chain would still take, and waits
   * until it is mined, or has waited long enough to be replaced.
   */
  async recover(wallet: BaseWallet, provider: JsonRpcProvider): Promise<readonly SignedTransaction[]> {
    const sent = await this.#sendAgain(wallet, provider);
    const { patienceMs = PATIENCE_MS, signal } = this.#options;
    const last = Math.max(-1, ...sent.map(({ nonce }) => nonce));
    for (const begun = performance.now(); performance.now() - begun < patienceMs; ) {
      if ((await nextNonce(wallet, provider)) > last) break;
      await delay(POLL_MS, undefined, { signal });
    }
    return sent;
  }

  async #sendAgain(wallet: BaseWallet, provider: JsonRpcProvider): Promise<readonly SignedTransaction[]> {
    const left = await this.#journal.from(await nextNonce(wallet, provider));
    const sent: SignedTransaction[] = [];
    for (const one of left) {
      const { from, to, data } = Transaction.from(one.raw);
      const takes = await provider.estimateGas({ from, to, data }).then(
        () => true,
        () => false, // it would be refused: the next transaction takes its nonce
      );
      if (!takes) return sent;
      await broadcast(provider, one.raw);
      sent.push(one);
    }
    return sent;
  }

  async #untilMined(
    wish: TransactionWish,
    nonce: number,
    wallet: BaseWallet,
    provider: JsonRpcProvider,
  ): Promise<TransactionReceipt> {
    const { patienceMs = PATIENCE_MS, signal } = this.#options;
    for (let begun = performance.now(); ; ) {
      // asked first: what is mined between the two questions is found by the second
      const next = await nextNonce(wallet, provider);
      const signed = (await this.#journal.from(nonce)).filter((one) => one.nonce === nonce);
      for (const { hash, raw, what } of signed) {
        const receipt = await provider.getTransactionReceipt(hash);
        if (receipt && isWish(raw, wish)) return receipt;
        if (receipt) throw new MeedError(`${what}, sent before, was mined in place of ${wish.what}`, LOOK_AGAIN);
      }
      if (next > nonce) throw new MeedError(`Another transaction took the nonce ${nonce} of ${wish.what}`, LOOK_AGAIN);
      if (performance.now() - begun > patienceMs) {
        await this.#sign(wish, nonce, floorOf(signed), wallet, provider);
        begun = performance.now();
      }
      await delay(POLL_MS, undefined, { signal });
    }
  }

  async #sign(
    { what, to, data, gasLimit }: TransactionWish,
    nonce: number,
    floor: bigint,
    wallet: BaseWallet,
    provider: JsonRpcProvider,
  ): Promise<void> {
    const { maxFeePerGas, maxPriorityFeePerGas } = await this.#fees(floor, what, provider);
    const { chainId } = await provider.getNetwork();
    const request = { to, data, gasLimit, nonce, chainId, type: 2, maxFeePerGas, maxPriorityFeePerGas };
    const raw = await wallet.signTransaction(request);
    const { hash } = Transaction.from(raw);
    if (hash === null) throw new Error('a signed transaction has no hash');
    await this.#journal.write({ nonce, hash, what, raw, fee: maxFeePerGas });
    await broadcast(provider, raw);
  }

  async #fees(
    floor: bigint,
    what: string,
    provider: JsonRpcProvider,
  ): Promise<{ readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }> {
    const { feeCap } = this.#options;
    const suggested = await provider.getFeeData();
    const wanted = suggested.maxFeePerGas ?? suggested.gasPrice ?? 0n;
    const maxFeePerGas = wanted > floor ? wanted : floor;
    if (maxFeePerGas > feeCap) {
      throw new FeeAboveCap(
        `${what} would pay up to ${maxFeePerGas} wei for a unit of gas, the cap is ${feeCap}`,
        'Wait for the chain to be cheaper, or raise --fee-cap',
      );
    }
    const tip = suggested.maxPriorityFeePerGas ?? maxFeePerGas;
    // a replacement must raise both, and a tip is never above the whole
    const raised = floor > 0n ? maxFeePerGas : tip;
    return { maxFeePerGas, maxPriorityFeePerGas: raised > maxFeePerGas ? maxFeePerGas : raised };
  }
}

/**
 * What a further transaction at a nonce must pay: an eighth more than the dearest there, as nodes ask for a tenth.
 * @param signed cheapest first
 */
function floorOf(signed: readonly SignedTransaction[]): bigint {
  const dearest = signed.at(-1)?.fee ?? 0n;
  return dearest === 0n ? 0n : dearest + dearest / 8n + 1n;
}

function isWish(raw: string, { to, data }: TransactionWish): boolean {
  const signed = Transaction.from(raw);
  return signed.data === data && signed.to?.toLowerCase() === to?.toLowerCase();
}

function nextNonce(wallet: BaseWallet, provider: JsonRpcProvider): Promise<number> {
  return provider.getTransactionCount(wallet.address, 'latest');
}

/** Nodes refuse what they have, and what is mined already; both are what was wanted. */
async function broadcast(provider: JsonRpcProvider, raw: string): Promise<void> {
  try {
    await provider.broadcastTransaction(raw);
  } catch (error) {
    const reason = messageOf(error);
    if (/already known|already imported|nonce too low|nonce has already been used|already in mempool/i.test(reason))
      return;
    throw error;
  }
}
