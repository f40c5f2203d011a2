/** A Redis URL, redis://[user:password@]host[:port][/database] or rediss:// for TLS, as options and without its secret. */
import type { RedisOptions } from 'ioredis';
import { MeedError } from '../../foundation/index.js';

export interface RedisAddress {
  readonly options: RedisOptions;
  /** For messages: the password masked. */
  readonly shown: string;
}

const DEFAULT_PORT = 6379;

/** @throws MeedError (used wrongly) when it is no such URL; the sentence does not repeat a password */
export function readRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '' || url.search || url.hash) {
    throw notAnAddress(url ? masked(url) : 'The given text');
  }
  const [, database] = /^\/?(\d*)$/.exec(url.pathname) ?? [];
  if (database === undefined) throw notAnAddress(masked(url));
  return {
    options: {
      // an IPv6 address stands in brackets in a URL, and nowhere else
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? DEFAULT_PORT : Number(url.port),
      username: url.username === '' ? undefined : unescaped(url.username, url),
      password: url.password === '' ? undefined : unescaped(url.password, url),
      db: Number(database),
      tls: url.protocol === 'rediss:' ? {} : undefined,
    },
    shown: masked(url),
  };
}

function notAnAddress(shown: string): MeedError {
  return new MeedError(
    `${shown} is no address of a Redis server`,
    'Give redis://host:port, redis://user:password@host:port/0, or rediss:// for TLS',
    { exitCode: 2 },
  );
}

function unescaped(part: string, url: URL): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw notAnAddress(masked(url));
  }
}

function masked(url: URL): string {
  const copy = new URL(url);
  if (copy.password !== '') copy.password = '***';
  copy.search = '';
  copy.hash = '';
  return copy.href;
}
