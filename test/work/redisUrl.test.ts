/** Addresses of Redis: what is understood, and that no sentence repeats a password. */
import { describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import { readRedisUrl } from '../../src/work/queue/index.js';

describe('an address of Redis', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0, tls: undefined }],
    ['redis://10.0.0.1:7000/3', { host: '10.0.0.1', port: 7000, db: 3 }],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }],
    ['rediss://host', { host: 'host', tls: {} }],
    ['redis://me:p%40ss%2F@host', { username: 'me', password: 'p@ss/' }],
    ['redis://:secret@host', { username: undefined, password: 'secret' }],
  ])('%s', (url, expected) => expect(readRedisUrl(url).options).toMatchObject(expected));

  it.each([
    'http://host',
    'redis://',
    'localhost:6379',
    'redis://host/database',
    'redis://host:99999',
    'redis://:secret@host?x=secret',
    'redis://host#secret',
    'redis://user:%zzsecret@host',
    'redis://:secret@host/0/1',
    '',
  ])('is not "%s"', (url) => {
    expect(() => readRedisUrl(url)).toThrow(MeedError);
    expect(() => readRedisUrl(url)).toThrow(/^(?!.*secret).* is no address of a Redis server\. Give redis:/);
  });

  it('is shown without its password', () => {
    expect(readRedisUrl('rediss://me:secret@host:7000/2').shown).toBe('rediss://me:***@host:7000/2');
  });
});
