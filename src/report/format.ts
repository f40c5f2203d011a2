/**
 * Figures as people read them: a few significant digits in sight, everything in the title. Amounts are decimal strings
 * of 10^-18 tokens and are rounded in integers. The trap: a double would lose the last digits of an amount that the
 * reader can compare with the chain.
 */
import { MeedError } from '../foundation/index.js';
import { html, type Markup } from './markup.js';

export const TOKEN = 'MEED';
const TOKEN_DECIMALS = 18;
const SIGNIFICANT = 4;
/** Of scores, factors and losses. */
const SCORE_DIGITS = 3;
/** Below 10^-6 tokens a power of ten is easier to read than zeros. */
const SMALLEST_PLAIN = -6;
/** A percentage this near a whole number is one: 0.07 · 100 is not 7 in a double. */
const WHOLE_WITHIN = 1e-9;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** An amount with its unit, rounded, and exact in the title. */
export function tokens(amount: string): Markup {
  return html`<data value="${amount}" title="${exactTokens(amount)}">${tokenText(amount)} ${TOKEN}</data>`;
}

/** "0.4123", "1,235", "3.7 × 10⁻¹⁷" */
export function tokenText(amount: string): string {
  const units = unitsOf(amount);
  if (units === 0n) return '0';
  const sign = units < 0n ? '−' : '';
  const digits = String(units < 0n ? -units : units);
  const exponent = digits.length - 1 - TOKEN_DECIMALS;
  const rounded = roundedDigits(digits);
  const carried = rounded.length > Math.min(digits.length, SIGNIFICANT) ? 1 : 0;
  const mantissa = rounded.slice(0, SIGNIFICANT);
  if (exponent + carried < SMALLEST_PLAIN) {
    const fraction = mantissa.slice(1).replace(/0+$/, '');
    return `${sign}${mantissa[0]}${fraction && `.${fraction}`} × 10${superscript(exponent + carried)}`;
  }
  const whole = mantissa.padEnd(digits.length + carried, '0').padStart(TOKEN_DECIMALS + 1, '0');
  return sign + withPoint(whole);
}

/** All eighteen decimals, with the unit. */
export function exactTokens(amount: string): string {
  const units = unitsOf(amount);
  const digits = String(units < 0n ? -units : units).padStart(TOKEN_DECIMALS + 1, '0');
  return `${units < 0n ? '−' : ''}${withPoint(digits)} ${TOKEN}`;
}

/** In tokens, for the length of a bar only. */
export function tokenNumber(amount: string): number {
  return Number(unitsOf(amount)) / 10 ** TOKEN_DECIMALS;
}

/** a / b of two amounts; 0 when b is 0. */
export function partOf(amount: string, total: string): number {
  const whole = unitsOf(total);
  return whole === 0n ? 0 : Number(unitsOf(amount)) / Number(whole);
}

/** @throws MeedError when it is not a whole number */
export function unitsOf(amount: string): bigint {
  if (/^-?[0-9]{1,78}$/.test(amount)) return BigInt(amount);
  throw new MeedError(
    `The report's amount "${amount}" is not a whole number of the token's smallest unit`,
    'Give amounts as decimal strings',
  );
}

export function sumOf(amounts: readonly string[]): string {
  return String(amounts.reduce((sum, amount) => sum + unitsOf(amount), 0n));
}

/** "12.3%"; small parts keep two digits. */
export function percent(part: number): string {
  if (!Number.isFinite(part)) return '—';
  const value = part * 100;
  const places = Math.abs(value - Math.round(value)) < WHOLE_WITHIN ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return `${minus(value.toFixed(places))}%`;
}

export function count(value: number): string {
  return Number.isFinite(value) ? minus(value.toLocaleString('en-US', { maximumFractionDigits: 0 })) : '—';
}

/** Three significant digits, more only before the point. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '—';
  if (value !== 0 && Math.abs(value) < 1e-4) {
    const exponent = Math.floor(Math.log10(Math.abs(value)));
    return `${minus((value / 10 ** exponent).toFixed(1))} × 10${superscript(exponent)}`;
  }
  if (Number.isInteger(value)) return count(value);
  const digits = Math.max(SCORE_DIGITS, Math.floor(Math.log10(Math.abs(value))) + 1);
  return minus(
    value.toLocaleString('en-US', { minimumSignificantDigits: SCORE_DIGITS, maximumSignificantDigits: digits }),
  );
}

/** "1.43×" */
export function multiple(value: number): string {
  return Number.isFinite(value) ? `${minus(value.toFixed(2))}×` : '—';
}

/** With its sign, so that helping and harming differ without colour. */
export function signed(value: number): string {
  return value > 0 ? `+${figure(value)}` : figure(value);
}

export function seconds(value: number): string {
  if (!Number.isFinite(value)) return '—';
  if (value >= 60) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  if (value >= 10) return `${value.toFixed(0)} s`;
  return value >= 1
    ? `${value.toFixed(1)} s`
    : value >= 0.1
      ? `${value.toFixed(2)} s`
      : `${(value * 1000).toFixed(0)} ms`;
}

/** "1 row", "12 rows" */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

/** "a, b and c" */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}

/** The first SIGNIFICANT digits, rounded half up; one digit longer when rounding carried. */
function roundedDigits(digits: string): string {
  if (digits.length <= SIGNIFICANT) return digits;
  const cut = BigInt(digits.slice(0, SIGNIFICANT));
  return String(digits[SIGNIFICANT] >= '5' ? cut + 1n : cut);
}

/** Digits of 10^-18 units as a grouped decimal without trailing zeros. */
function withPoint(digits: string): string {
  const whole = BigInt(digits.slice(0, -TOKEN_DECIMALS)).toLocaleString('en-US');
  const fraction = digits.slice(-TOKEN_DECIMALS).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function superscript(exponent: number): string {
  return (
    (exponent < 0 ? '⁻' : '') + [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join('')
  );
}

function minus(text: string): string {
  return text.replace('-', '−');
}
