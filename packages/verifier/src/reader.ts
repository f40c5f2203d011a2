/**
 * Values out of hostile JSON. Each function reads one kind of value once and copies it, or throws a Refusal that names the
 * place; whatever the bundle is made of, what comes out is plain numbers, strings and arrays of bounded length.
 * The trap: an unknown key is refused, not skipped, or a bundle could say "void": true and be read as if it did not.
 */

/** Why a bundle is not one, as a sentence. */
export class Refusal extends Error {}

const SHOWN = 40;

/** Scalars as they are, shortened; of anything else its kind. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return 'missing';
  return Array.isArray(value) ? 'a list' : `of the kind ${typeof value}`;
}

/** An object with exactly these keys. */
export function record<K extends string>(value: unknown, where: string, keys: readonly K[]): Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(`${where} is ${shown(value)} where an object with ${keys.join(', ')} is wanted.`);
  }
  const given = Object.keys(value);
  const stray = given.find((key) => !keys.some((known) => known === key));
  if (stray !== undefined) throw new Refusal(`${where} has the key ${shown(stray)}, which this version does not know.`);
  const missing = keys.find((key) => !given.includes(key));
  if (missing !== undefined) throw new Refusal(`${where} lacks ${missing}.`);
  return value as Record<K, unknown>;
}

/** A list of exactly `length` items, or of 1 to `most`. */
export function list<T>(
  value: unknown,
  where: string,
  size: { readonly length: number } | { readonly most: number },
  read: (item: unknown, where: string) => T,
): T[] {
  if (!Array.isArray(value)) throw new Refusal(`${where} is ${shown(value)} where a list is wanted.`);
  const { length } = value;
  const fits = 'length' in size ? length === size.length : length >= 1 && length <= size.most;
  if (!fits) {
    const wanted = 'length' in size ? `${size.length}` : `1 to ${size.most}`;
    throw new Refusal(`${where} holds ${length} items where ${wanted} are wanted.`);
  }
  const items: T[] = [];
  for (let i = 0; i < length; i++) items.push(read(value[i], `${where}[${i}]`));
  return items;
}

/** A whole number written in decimal digits, below 2^bits. */
export function unsigned(bits: number): (value: unknown, where: string) => bigint {
  return (value, where) => {
    if (typeof value === 'string' && /^(0|[1-9][0-9]{0,77})$/.test(value)) {
      const number = BigInt(value);
      if (number >> BigInt(bits) === 0n) return number;
    }
    throw new Refusal(`${where} is ${shown(value)} where decimal digits of a number below 2^${bits} are wanted.`);
  };
}

export const word = unsigned(256);

/** A JSON number, whole, from `least` to `most`. */
export function whole(least: number, most: number): (value: unknown, where: string) => number {
  return (value, where) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new Refusal(`${where} is ${shown(value)} where a whole number from ${least} to ${most} is wanted.`);
  };
}

/** 0x and two hex digits a byte, in lower case. */
export function hex(bytes: number): (value: unknown, where: string) => string {
  const form = new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`);
  return (value, where) => {
    if (typeof value === 'string' && form.test(value)) return value;
    throw new Refusal(`${where} is ${shown(value)} where 0x and ${2 * bytes} lower-case hex digits are wanted.`);
  };
}

export const address = hex(20);
export const bytes32 = hex(32);

/** One of the words given. */
export function oneOf<T extends string>(words: readonly T[]): (value: unknown, where: string) => T {
  return (value, where) => {
    const found = words.find((known) => known === value);
    if (found !== undefined) return found;
    throw new Refusal(`${where} is ${shown(value)} where ${words.join(' or ')} is wanted.`);
  };
}
