/**
 * Salts: 248 bits from SHA-256(secret, what, position). One secret per artefact; whoever publishes it opens every
 * commitment of that artefact, which is what an audit needs. Two uses never share a salt, except that a slot's salt is
 * its last prefix's, because they are the same commitment.
 */
import { randomBytes } from 'node:crypto';
import { MeedError, sha256 } from '../../foundation/index.js';
import { SALT_BITS } from './constants.js';

export type SaltPurpose = 'row' | 'prefix' | 'padding-slot' | 'batch' | 'receipt' | 'remainder';

export function newSaltSecret(): string {
  return randomBytes(32).toString('hex');
}

export function saltOf(secret: string, purpose: SaltPurpose, position: number): bigint {
  if (!/^[0-9a-f]{64}$/.test(secret))
    throw new MeedError('A salt secret is not 64 hex digits', 'Make it with newSaltSecret');
  return BigInt(`0x${sha256(`meed/salt/${secret}/${purpose}/${position}`)}`) >> BigInt(256 - SALT_BITS);
}
