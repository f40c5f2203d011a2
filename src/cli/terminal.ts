/**
 * What a person sees while a stage runs: on a terminal one line that is redrawn, with rate and time left; elsewhere one
 * line a minute, for long work, and one when a stage ends. Everything goes to standard error, so that standard output holds the result alone.
 */
import { formatRate, formatSeconds, Pace, type Progress } from '../foundation/index.js';

const REDRAW_MS = 100;
const LINE_MS = 60_000;
/** Back to the line's beginning, and what stood there is gone. */
export const CLEAR = '\r\u001b[K';

/** A sentence on a line of its own, in place of one that is being redrawn. */
export function say(sentence: string): void {
  process.stderr.write(`${process.stderr.isTTY === true ? CLEAR : ''}${sentence}\n`);
}

export interface StageLine {
  readonly progress: Progress;
  done(result: string): void;
}

export function startLine(name: string): StageLine {
  const stream = process.stderr;
  const begun = performance.now();
  const terminal = stream.isTTY === true;
  let drawn = terminal ? 0 : begun;
  let part: { readonly what: string; readonly pace: Pace } | undefined;
  const title = name.padEnd(9);
  if (terminal) stream.write(`${title} …`);
  return {
    progress(done, total, what) {
      const now = performance.now();
      if (what !== part?.what) part = { what, pace: new Pace(done, now) };
      if (now - drawn < (terminal ? REDRAW_MS : LINE_MS)) return;
      drawn = now;
      const text = `${title} ${progressText(done, total, what, part.pace.at(done, total, now))}`;
      stream.write(terminal ? `${CLEAR}${text}` : `${text}\n`);
    },
    done(result) {
      const seconds = (performance.now() - begun) / 1000;
      say(`${title} ${seconds.toFixed(1).padStart(5)} s  ${result}`);
    },
  };
}

/** "12/100 retrainings, 3.4/min, 26 min left". */
export function progressText(done: number, total: number, what: string, pace: ReturnType<Pace['at']>): string {
  const left = pace ? `, ${formatRate(pace.perSecond)}, ${formatSeconds(pace.secondsLeft)} left` : '';
  return `${Math.floor(done)}/${total} ${what}${left}`;
}

/** Aligned columns: numbers and text alike, the first column to the left. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows
    .map((row) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '))
    .join('\n');
}

/** 18 decimals to a readable number of tokens. */
export function tokens(units: bigint | string): string {
  const amount = BigInt(units);
  const whole = amount / 10n ** 18n;
  const rest = (amount % 10n ** 18n).toString().padStart(18, '0').slice(0, 4);
  return `${whole}.${rest}`;
}
