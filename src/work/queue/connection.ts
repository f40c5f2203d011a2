/**
 * One connection to Redis. The first attempt fails within seconds, with a sentence; a connection that was there and is
 * lost is tried again for a while, since a server restarts faster than a day's work is done again. The trap: the client
 * library prints stack traces of errors nobody listens to and by default retries for ever, both silently wrong for a
 * command line.
 */
import { Redis } from 'ioredis';
import { MeedError, messageOf } from '../../foundation/index.js';
import { readRedisUrl } from './redisUrl.js';

const CONNECT_MS = 4_000;
const RETRY_MS = 500;
const RECONNECT_SECONDS = 30;

export class Connection {
  readonly client: Redis;
  /** The address without its password. */
  readonly shown: string;
  /** Resolves with a sentence when the connection is lost for good; never after `close`. */
  readonly lost: Promise<MeedError>;
  #closed = false;

  private constructor(
    client: Redis,
    shown: string,
    seconds: number,
    lastError: () => unknown,
    notice: (sentence: string) => void,
  ) {
    this.client = client;
    this.shown = shown;
    this.lost = new Promise((resolve) => {
      client.once('end', () => {
        if (!this.#closed) resolve(unreachable(shown, lastError(), 'was lost and did not come back'));
      });
    });
    let away = false;
    client.on('close', () => {
      if (!away && !this.#closed) notice(`The connection to ${shown} is lost, trying again for ${seconds} s`);
      away = true;
    });
    client.on('ready', () => {
      if (away) notice(`The connection to ${shown} is back`);
      away = false;
    });
  }

  /**
   * @param notice           told when the connection is lost and when it is back
   * @param reconnectSeconds how long a lost connection is tried again
   * @throws MeedError when the address is malformed, nobody answers, or the password is refused
   */
  static async open(
    url: string,
    notice: (sentence: string) => void,
    reconnectSeconds: number = RECONNECT_SECONDS,
  ): Promise<Connection> {
    const { options, shown } = readRedisUrl(url);
    let connected = false;
    let last: unknown;
    const client = new Redis({
      ...options,
      lazyConnect: true,
      maxRetriesPerRequest: null,
      connectTimeout: CONNECT_MS,
      retryStrategy: (times) => (connected && times * RETRY_MS <= 1000 * reconnectSeconds ? RETRY_MS : null),
    });
    client.on('error', (error: unknown) => {
      last = error;
    });
    try {
      await client.connect();
      await client.ping();
      // an unknown database number is told in an event and nowhere else
      if (last !== undefined) throw last;
    } catch (error) {
      client.disconnect();
      throw unreachable(shown, last ?? error, 'cannot be used');
    }
    connected = true;
    return new Connection(client, shown, reconnectSeconds, () => last, notice);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.client.status === 'ready') await this.client.quit();
    else this.client.disconnect();
  }
}

function unreachable(shown: string, cause: unknown, what: string): MeedError {
  const message = messageOf(cause) || 'no answer';
  return new MeedError(`The Redis server ${shown} ${what} (${message})`, remedyOf(message), { cause });
}

function remedyOf(message: string): string {
  if (/NOAUTH|WRONGPASS|NOPERM|no password/.test(message)) return 'Give user and password: redis://user:password@host';
  if (/certificate/i.test(message)) return "Name the server's authority in NODE_EXTRA_CA_CERTS";
  if (/DB index/.test(message)) return 'Give another database number, or none';
  return 'Start the server, or check host, port, redis:// or rediss://, and the network';
}
