/**
 * The secret of a contribution: 64 bytes of the operating system's generator, hashed with what the contributor typed, so
 * that neither a broken generator nor a guessed text is enough to know it. It exists in memory and in a pipe, never in
 * arguments, environment, files or logs; snarkjs mixes random bytes of its own in once more.
 */
import { createHash, randomBytes } from 'node:crypto';

const RANDOM_BYTES = 64;

/** @param text what the contributor typed; may be empty, and is never stored. @returns 128 hex digits */
export function contributionSecret(text: string): string {
  return createHash('sha512').update(randomBytes(RANDOM_BYTES)).update(text, 'utf8').digest('hex');
}
