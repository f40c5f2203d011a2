/**
 * Who sends, to which node. One transaction at a time goes out for an account: the next one asks for its nonce only when
 * the one before is mined or refused.
 * The trap: ethers' NonceManager counts a nonce up before the gas estimate, so one refused call leaves a gap and
 * everything sent after it waits for ever. And its `wait` asks once and then listens for the next block: one that is mined
 * between the two is missed, and on a chain where nothing else happens it never ends. So the receipt is asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BaseWallet,
  type Contract,
  HDNodeWallet,
  type Interface,
  JsonRpcProvider,
  type TransactionReceipt,
  type TypedDataDomain,
  type TypedDataField,
  Wallet,
} from 'ethers';
import { MeedError } from '../foundation/index.js';
import { compileContracts } from './compile.js';
import { errorInterface, explainRefusal } from './refusals.js';

/** anvil's well-known accounts; worthless on any other chain. */
const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';
const POLLING_MS = 50;
/** Two fresh slots, of a sender's and a receiver's checkpoint. */
const FRESH_SLOTS_GAS = 45_000n;
/** What one transaction may use (EIP-7825). */
const TRANSACTION_GAS_MAX = 2n ** 24n;

/** A key of one's own, or the number of a development account (0 … 9 hold ether on anvil). */
export type Credentials = { readonly privateKey: string } | { readonly development: number };

/** The fields of each type, by its name. */
export type TypedDataTypes = Readonly<Record<string, readonly TypedDataField[]>>;

export interface Sent {
  readonly hash: string;
  readonly gasUsed: bigint;
  readonly blockNumber: number;
}

export interface Mined extends Sent {
  readonly receipt: TransactionReceipt;
}

/** What an account wants done; without `to` it creates a contract. */
export interface TransactionWish {
  /** The action, for people. */
  readonly what: string;
  readonly to?: string;
  /** 0x hex. */
  readonly data: string;
  readonly gasLimit: bigint;
}

/** Gets transactions to the chain and waits until they are mined, whether they succeeded or not. */
export interface Delivery {
  deliver(wish: TransactionWish, wallet: BaseWallet, provider: JsonRpcProvider): Promise<TransactionReceipt>;
  /** Sends again what an earlier process or a reorganisation left in flight. */
  recover(wallet: BaseWallet, provider: JsonRpcProvider): Promise<readonly Recovered[]>;
}

export interface Recovered {
  readonly what: string;
  /** 0x hex. */
  readonly hash: string;
}

/** Signs and sends; what is in flight when the process ends is not known to the next. */
const directly: Delivery = {
  async deliver({ to, data, gasLimit }, wallet, provider) {
    const { hash } = await wallet.sendTransaction({ to, data, gasLimit });
    return untilMined(provider, hash);
  },
  async recover() {
    return [];
  },
};

export class Account {
  readonly address: string;
  readonly provider: JsonRpcProvider;
  readonly chainId: number;
  readonly errors: Interface;
  readonly #wallet: BaseWallet;
  readonly #delivery: Delivery;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    provider: JsonRpcProvider,
    chainId: number,
    wallet: BaseWallet,
    errors: Interface,
    delivery: Delivery,
  ) {
    this.provider = provider;
    this.chainId = chainId;
    this.errors = errors;
    this.address = wallet.address;
    this.#wallet = wallet;
    this.#delivery = delivery;
  }

  /** @throws MeedError when the node does not answer, or answers for another chain */
  static async connect(
    url: string,
    chainId: number,
    credentials: Credentials,
    delivery: Delivery = directly,
  ): Promise<Account> {
    const provider = openProvider(url, chainId);
    await requireChain(provider, url, chainId);
    return Account.on(provider, chainId, credentials, delivery);
  }

  /** A further account on the same connection. */
  async as(credentials: Credentials): Promise<Account> {
    return Account.on(this.provider, this.chainId, credentials, directly);
  }

  private static async on(
    provider: JsonRpcProvider,
    chainId: number,
    credentials: Credentials,
    delivery: Delivery,
  ): Promise<Account> {
    const errors = errorInterface(await compileContracts());
    const wallet =
      'privateKey' in credentials
        ? new Wallet(credentials.privateKey, provider)
        : developmentWallet(credentials.development).connect(provider);
    return new Account(provider, chainId, wallet, errors, delivery);
  }

  /** Sends again what its delivery knows to be left in flight. */
  recover(): Promise<readonly Recovered[]> {
    return this.#delivery.recover(this.#wallet, this.provider);
  }

  /** Closes the connection, and with it every account that shares it. */
  close(): void {
    this.provider.destroy();
  }

  /**
   * Sends a call and waits until it is mined.
   * @param what the action, for the sentence when it is refused
   */
  async send(what: string, contract: Contract, method: string, args: readonly unknown[]): Promise<Mined> {
    return this.transact(what, { to: String(contract.target), data: this.#encode(what, contract, method, args) });
  }

  /** Signs typed data (EIP-712); nothing is sent. */
  signTyped(
    domain: TypedDataDomain,
    types: TypedDataTypes,
    message: Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const copied = Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, [...fields]]));
    return this.#wallet.signTypedData(domain, copied, message);
  }

  #encode(what: string, contract: Contract, method: string, args: readonly unknown[]): string {
    try {
      return contract.interface.encodeFunctionData(method, [...args]);
    } catch (error) {
      throw explainRefusal(what, error, this.errors);
    }
  }

  /** Sends a transaction without `to` to create a contract. */
  transact(what: string, transaction: { to?: string; data: string }): Promise<Mined> {
    const turn = this.#last.then(() => this.#transactNow(what, transaction));
    this.#last = turn.catch(() => undefined); // the caller gets the refusal; the next in line goes on
    return turn;
  }

  async #transactNow(what: string, transaction: { to?: string; data: string }): Promise<Mined> {
    try {
      const gasLimit = withMargin(await this.#wallet.estimateGas(transaction));
      const receipt = await this.#delivery.deliver({ what, ...transaction, gasLimit }, this.#wallet, this.provider);
      if (receipt.status !== 1) throw await this.#refusal(what, transaction, receipt);
      return { hash: receipt.hash, gasUsed: receipt.gasUsed, blockNumber: receipt.blockNumber, receipt };
    } catch (error) {
      throw explainRefusal(what, error, this.errors);
    }
  }

  /** Why a mined transaction failed, as far as the state after its block still tells. */
  async #refusal(
    what: string,
    transaction: { to?: string; data: string },
    { hash, blockNumber }: TransactionReceipt,
  ): Promise<unknown> {
    try {
      await this.provider.call({ ...transaction, from: this.address, blockTag: blockNumber });
    } catch (error) {
      return error;
    }
    return new MeedError(
      `${what} was refused in transaction ${hash}`,
      'Look at the chain, which has moved, and try again',
    );
  }
}

/**
 * An estimate holds for the moment at which it is made. Votes are checkpointed by time, so what rewrites a checkpoint in
 * the estimate appends one a second later, for a fresh slot of storage more.
 */
function withMargin(estimate: bigint): bigint {
  const wanted = (estimate * 5n) / 4n + FRESH_SLOTS_GAS;
  return wanted <= TRANSACTION_GAS_MAX ? wanted : bigger(estimate, TRANSACTION_GAS_MAX);
}

function bigger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The receipt of a transaction, once it is mined, whether it succeeded or not. */
export async function untilMined(provider: JsonRpcProvider, hash: string): Promise<TransactionReceipt> {
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt) return receipt;
    await delay(POLLING_MS);
  }
}

/** Address of a development account. */
export function developmentAddress(index: number): string {
  return developmentWallet(index).address;
}

/** A provider for one chain: it never asks for the chain's id again, never caches, and sends each call at once. */
export function openProvider(url: string, chainId: number): JsonRpcProvider {
  return new JsonRpcProvider(url, chainId, {
    staticNetwork: true,
    pollingInterval: POLLING_MS,
    cacheTimeout: -1,
    batchMaxCount: 1,
  });
}

/** @throws MeedError when the node does not answer, or answers for another chain; the provider is then closed */
export async function requireChain(provider: JsonRpcProvider, url: string, chainId: number): Promise<void> {
  const answer: unknown = await provider.send('eth_chainId', []).catch((cause: unknown) => {
    provider.destroy();
    throw new MeedError(`No node answers at ${url}`, 'Start one, or check the address', { cause });
  });
  if (Number(answer) === chainId) return;
  provider.destroy();
  throw new MeedError(
    `The node at ${url} runs chain ${Number(answer)}, not ${chainId}`,
    'Check the address and the deployment',
  );
}

function developmentWallet(index: number): HDNodeWallet {
  return HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`);
}
