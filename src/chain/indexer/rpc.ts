/**
 * Questions to a node over HTTP, for a reader that runs for months: every answer has a time and a size limit, what fails
 * on the way is asked again with a growing pause, and what the node itself refuses is told apart, because the caller may
 * be able to ask for less.
 * The trap: `response.json()` holds whatever a hostile node sends; the body is therefore counted while it arrives.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MeedError, messageOf } from '../../foundation/index.js';
import { listOf, record } from '../values.js';

const TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 15_000;
/** About 20 s of pauses. */
const ATTEMPTS = 9;
export const MOST_BYTES = 64 * 2 ** 20;
/** Common nodes take a hundred calls in one request and more. */
const CALLS_A_REQUEST = 100;

export interface Call {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** The node answered that it will not, or sent more than we take: asking for less may help, asking again will not. */
export class NodeRefusal extends Error {}

/** The node did not answer, was busy, or broke off: asking again may help. */
class NodeFailure extends Error {}

export interface RpcOptions {
  /** How often a call is tried; Infinity for a daemon. */
  readonly attempts?: number;
  /** Most bytes of one answer. */
  readonly mostBytes?: number;
  readonly timeoutMs?: number;
  /** Ends the waiting between attempts, and every call. */
  readonly signal?: AbortSignal;
  /** Told of every failed attempt. */
  readonly onRetry?: (sentence: string) => void;
}

export class Rpc {
  readonly url: string;
  /** Of all answers so far. */
  bytes = 0;
  readonly #options: Required<Omit<RpcOptions, 'signal'>> & { readonly signal?: AbortSignal };
  #id = 0;
  /** False once the node turned out to take no lists of calls. */
  #lists = true;

  constructor(url: string, options: RpcOptions = {}) {
    this.url = url;
    this.#options = {
      attempts: ATTEMPTS,
      mostBytes: MOST_BYTES,
      timeoutMs: TIMEOUT_MS,
      onRetry: () => undefined,
      ...options,
    };
  }

  /**
   * The result of one call.
   * @throws NodeRefusal when the node refuses or answers at too great length; MeedError when it does not answer
   */
  call(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#persist(async () => {
      const [request] = this.#requests([{ method, params }]);
      return resultOf(await this.#post(request));
    });
  }

  /** The results of several calls, in their order. */
  async all(calls: readonly Call[]): Promise<unknown[]> {
    const results: unknown[] = [];
    for (let i = 0; i < calls.length; i += CALLS_A_REQUEST) {
      results.push(...(await this.#list(calls.slice(i, i + CALLS_A_REQUEST))));
    }
    return results;
  }

  async #list(calls: readonly Call[]): Promise<unknown[]> {
    if (this.#lists && calls.length > 1) {
      const answers = await this.#persist(async () => {
        const requests = this.#requests(calls);
        const body = await this.#post(requests);
        if (!Array.isArray(body)) return undefined;
        const byId = new Map(listOf(body, 'the answer', record).map((answer) => [answer.id, answer]));
        return requests.map(({ id }) => resultOf(byId.get(id)));
      });
      if (answers) return answers;
      this.#lists = false;
    }
    const results: unknown[] = [];
    for (const { method, params } of calls) results.push(await this.call(method, params));
    return results;
  }

  #requests(calls: readonly Call[]) {
    return calls.map(({ method, params }) => ({ jsonrpc: '2.0', id: ++this.#id, method, params }));
  }

  async #persist<T>(attempt: () => Promise<T>): Promise<T> {
    const { attempts, onRetry, signal } = this.#options;
    for (let tried = 1; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof NodeFailure) || signal?.aborted) throw error;
        if (tried >= attempts) {
          throw new MeedError(
            `The node at ${this.url} failed ${tried} times: ${error.message}`,
            'Check the address and that the node runs; what was read is kept',
            { cause: error },
          );
        }
        onRetry(`The node at ${this.url}: ${error.message}; asking again`);
        await delay(Math.min(FIRST_PAUSE_MS * 2 ** (tried - 1), LONGEST_PAUSE_MS), undefined, { signal });
      }
    }
  }

  async #post(body: unknown): Promise<unknown> {
    const { timeoutMs, signal } = this.#options;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      const text = await this.#bounded(response);
      if (response.status === 429 || response.status >= 500) throw new NodeFailure(`HTTP status ${response.status}`);
      if (response.status === 413) throw new NodeRefusal('the answer is too long for it');
      return parse(text, response.status);
    } catch (error) {
      if (error instanceof NodeRefusal || error instanceof NodeFailure || signal?.aborted) throw error;
      if (limit.aborted) throw new NodeFailure(`no answer in ${timeoutMs / 1000} s`, { cause: error });
      throw new NodeFailure(reasonOf(error), { cause: error });
    }
  }

  async #bounded(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      this.bytes += chunk.length;
      if (length > this.#options.mostBytes) {
        throw new NodeRefusal(`its answer exceeds ${this.#options.mostBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NodeFailure(`it answered with status ${status} and no JSON`, { cause });
  }
}

function resultOf(answer: unknown): unknown {
  const { error, result } = record(answer, "the node's answer");
  if (error === undefined || error === null) return result;
  const { code, message } = record(error, "the node's error");
  // −32005 is what EIP-1474 has for a limit, of requests or of results; both are met by asking for less, later
  throw new NodeRefusal(`${String(message)} (${String(code)})`);
}

/** fetch hides the reason in the cause. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}
