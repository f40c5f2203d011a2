/**
 * The yield of stakers in exact rationals: every payment is shared by stake the moment it comes, a stream period by period. No
 * index, no rounding, no memory of what the contract keeps. Positions are active from the start of the period after they came.
 */

interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

interface Stake {
  amount: bigint;
  /** Seconds. */
  readonly activeFrom: number;
  activeUntil: number;
  releasedAt: number;
  fees: Fraction;
  streamed: Fraction;
}

const ZERO: Fraction = { n: 0n, d: 1n };

export class ExactYield {
  readonly #stakes: Stake[] = [];
  readonly #period: number;
  #rate = 0n;
  #end = 0;
  #now: number;

  /** @param start seconds; nothing happens before */
  constructor(periodSeconds: number, start: number) {
    this.#period = periodSeconds;
    this.#now = start;
  }

  /** @returns the number of the stake here */
  join(amount: bigint, time: number): number {
    this.advance(time);
    const activeFrom = (Math.floor(time / this.#period) + 1) * this.#period;
    return (
      this.#stakes.push({
        amount,
        activeFrom,
        activeUntil: Infinity,
        releasedAt: Infinity,
        fees: ZERO,
        streamed: ZERO,
      }) - 1
    );
  }

  /** From then on it earns nothing, and until its release it can be slashed. */
  leave(stake: number, time: number, releasedAt: number): void {
    this.advance(time);
    Object.assign(this.#stakes[stake], { activeUntil: time, releasedAt });
  }

  /** Takes one of `parts` of all stake that was active in the period of the offence, or unbonding then. */
  slash(parts: bigint, offenceAt: number, time: number): void {
    this.advance(time);
    const offence = Math.floor(offenceAt / this.#period) * this.#period;
    for (const stake of this.#stakes) {
      if (stake.activeFrom <= offence && offenceAt < stake.releasedAt) stake.amount -= stake.amount / parts;
    }
  }

  payFees(amount: bigint, time: number): void {
    this.advance(time);
    for (const { stake, part } of this.#shares(amount, time)) stake.fees = add(stake.fees, part);
  }

  fund(rate: bigint, end: number, time: number): void {
    this.advance(time);
    [this.#rate, this.#end] = [rate, end];
  }

  amountOf(stake: number): bigint {
    return this.#stakes[stake].amount;
  }

  /** Rounded down. */
  earned(stake: number): { readonly fees: bigint; readonly treasury: bigint } {
    const { fees, streamed } = this.#stakes[stake];
    return { fees: fees.n / fees.d, treasury: streamed.n / streamed.d };
  }

  advance(time: number): void {
    while (this.#now < time) {
      const next = Math.min(time, (Math.floor(this.#now / this.#period) + 1) * this.#period);
      const seconds = BigInt(Math.max(0, Math.min(next, this.#end) - this.#now));
      const shares = seconds > 0n ? this.#shares(this.#rate * seconds, this.#now) : [];
      for (const { stake, part } of shares) stake.streamed = add(stake.streamed, part);
      this.#now = next;
    }
  }

  #shares(amount: bigint, time: number): { stake: Stake; part: Fraction }[] {
    const active = this.#stakes.filter(({ activeFrom, activeUntil }) => activeFrom <= time && time < activeUntil);
    const total = active.reduce((sum, stake) => sum + stake.amount, 0n);
    return active.map((stake) => ({ stake, part: { n: amount * stake.amount, d: total } }));
  }
}

function add(a: Fraction, b: Fraction): Fraction {
  const n = a.n * b.d + b.n * a.d;
  const d = a.d * b.d;
  const divisor = gcd(n, d);
  return { n: n / divisor, d: d / divisor };
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
