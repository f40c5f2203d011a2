/**
 * How long work tells of itself. A stage receives a `Progress` and reports (done, total, what); the command line draws
 * it with rate and time left, tests and libraries pass `silent`. Layers below the command line never print. `done` need
 * not be whole: work in parallel counts the finished parts of what runs.
 */
export type Progress = (done: number, total: number, what: string) => void;

export const silent: Progress = () => {};

/**
 * Rate and time left of one kind of work, from the first report on. The trap: work that is resumed begins with much
 * done already; counting that into the rate promises an end that does not come.
 */
export class Pace {
  readonly #begun: number;
  readonly #before: number;

  /** @param done  what was done before. @param now milliseconds of a monotonic clock */
  constructor(done: number, now: number) {
    this.#before = done;
    this.#begun = now;
  }

  /** Per second, and seconds left; undefined until a second has passed and something was done in it. */
  at(
    done: number,
    total: number,
    now: number,
  ): { readonly perSecond: number; readonly secondsLeft: number } | undefined {
    const seconds = (now - this.#begun) / 1000;
    if (seconds < 1 || done <= this.#before) return undefined;
    const perSecond = (done - this.#before) / seconds;
    return { perSecond, secondsLeft: Math.max(0, total - done) / perSecond };
  }
}

/** A rate for a person: "12/s", "3.4/min", "1.2/h". */
export function formatRate(perSecond: number): string {
  const [factor, unit] = perSecond >= 1 ? [1, 's'] : perSecond * 60 >= 1 ? [60, 'min'] : [3600, 'h'];
  const rate = perSecond * factor;
  return `${rate < 9.95 ? rate.toFixed(1) : rate.toFixed(0)}/${unit}`;
}

/** A span of time for a person: "40 s", "12 min", "3 h 20 min". */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
