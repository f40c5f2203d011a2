/**
 * What the table recommends, and what no policy in it fixes, in sentences whose figures are the table's. A policy that is to
 * be the default must not be worth attacking on any data set: splitting into names gains at most a tenth, chosen queries
 * return no more than they cost, and a row of noise or with a wrong label earns less than an honest one. Of those that
 * are left it is the one whose pay follows the measured value best; where none is left, the one that exceeds a limit least is
 * named with what it exceeds. Paying every row alike reads no score: it is the control that others are held against.
 * The trap: choosing on the data set that one then reports on flatters the choice; so the correlation that is told for a
 * data set is that of the policy which the other data sets recommend.
 */
import { equalPerRow } from './policies/equalPerRow.js';
import { pooledPerRow } from './policies/pooledPerRow.js';
import { positivePartPerRow } from './policies/positivePartPerRow.js';
import type { PolicyCard } from './policy.js';
import type { IncentiveRow } from './row.js';

/** Largest gain by splitting, and largest return on chosen queries, of a default. */
export const LIMITS = { sybilGain: 1.1, queryReturn: 1, perRow: 1 };

export interface Recommendation {
  readonly method: string;
  /** Undefined when every policy is worth attacking. */
  readonly policy?: string;
  /** Where every policy is worth attacking, the one that exceeds a limit least, and how. */
  readonly nearest?: { readonly policy: string; readonly because: string };
  /** What pays without looking at scores: its mean correlation, beside that of the policy that was named. */
  readonly control?: { readonly policy: string; readonly pearson: number; readonly named: number };
  /** Why each other one is not it, by its name: what it exceeds, worst first. */
  readonly excluded: readonly { readonly policy: string; readonly because: string }[];
  /** The best of those that contracts settle as they are, by correlation alone, with what speaks against it. */
  readonly today?: { readonly policy: string; readonly because: string };
  /** On each data set, the policy that the others recommend and how its pay follows value there. */
  readonly elsewhere: readonly { readonly dataset: string; readonly policy?: string; readonly pearson?: number }[];
  readonly unfixed: readonly string[];
}

/** @param method whose scores are paid by; a complete one */
export function recommend(rows: readonly IncentiveRow[], method: string, cards: readonly PolicyCard[]): Recommendation {
  const own = rows.filter((row) => row.method === method);
  const datasets = [...new Set(own.map(({ dataset }) => dataset))];
  const names = cards.map(({ name }) => name).filter((name) => name !== EQUAL);
  const best = bestOf(own, names);
  const nearest = best === undefined ? nearestOf(own, names) : undefined;
  const named = best ?? nearest?.policy;
  const settled = cards.filter(({ settles }) => settles === 'today').map(({ name }) => name);
  const today = settled.sort((a, b) => meanPearson(own, b) - meanPearson(own, a)).at(0);
  return {
    method,
    policy: best,
    ...(nearest && { nearest }),
    ...(named !== undefined &&
      own.some(({ policy }) => policy === EQUAL) && {
        control: { policy: EQUAL, pearson: meanPearson(own, EQUAL), named: meanPearson(own, named) },
      }),
    excluded: names
      .filter((policy) => policy !== named)
      .map((policy) => ({ policy, because: against(own, policy) ?? 'its pay follows value less' })),
    ...(today === undefined
      ? {}
      : { today: { policy: today, because: against(own, today) ?? 'nothing in this table speaks against it' } }),
    elsewhere: datasets.map((dataset) => {
      const others = own.filter((row) => row.dataset !== dataset);
      const policy = others.length === 0 ? undefined : bestOf(others, names);
      const there = own.find((row) => row.dataset === dataset && row.policy === policy);
      return { dataset, policy, pearson: there?.pearson };
    }),
    unfixed: unfixedBy(own),
  };
}

function bestOf(rows: readonly IncentiveRow[], policies: readonly string[]): string | undefined {
  return policies
    .filter((policy) => against(rows, policy) === undefined)
    .sort((a, b) => meanPearson(rows, b) - meanPearson(rows, a))
    .at(0);
}

function nearestOf(rows: readonly IncentiveRow[], policies: readonly string[]): Recommendation['nearest'] {
  const [least] = policies
    .flatMap((policy) => {
      const worst = worstExcess(rows, policy);
      return worst ? [{ policy, because: worst.phrase, over: worst.over }] : [];
    })
    .sort((a, b) => a.over - b.over);
  return least && { policy: least.policy, because: least.because };
}

/** The largest excess over a limit on any data set, as a phrase; undefined when there is none. */
function against(rows: readonly IncentiveRow[], policy: string): string | undefined {
  const worst = worstExcess(rows, policy);
  // a return of exactly its cost is the limit, not beyond it
  return worst && worst.over > 1 + ROUNDING ? worst.phrase : undefined;
}

/** What comes nearest to a limit or exceeds it most, as a share of the limit. */
function worstExcess(rows: readonly IncentiveRow[], policy: string): { over: number; phrase: string } | undefined {
  const excesses = rows
    .filter((row) => row.policy === policy)
    .flatMap((row) => {
      const { dataset, sybilGain, sybilContributor, planted } = row;
      const query = Math.max(row.selfReturn ?? 0, row.hostReturn ?? 0);
      return [
        {
          over: sybilGain / LIMITS.sybilGain,
          phrase: `on ${dataset} ${sybilContributor} earns ${times(sybilGain)} as much under many names`,
        },
        {
          over: query / LIMITS.queryReturn,
          phrase: `on ${dataset} a chosen query returns ${times(query)} its fee`,
        },
        {
          over: (planted.noise ?? 0) / LIMITS.perRow,
          phrase: `on ${dataset} a row of noise earns ${times(planted.noise ?? 0)} what an honest one does`,
        },
        {
          over: (planted.flipped ?? 0) / LIMITS.perRow,
          phrase: `on ${dataset} a wrong label earns ${times(planted.flipped ?? 0)} what an honest row does`,
        },
      ];
    });
  return excesses.sort((a, b) => b.over - a.over).at(0);
}

/** What sums in another order may differ by. */
const ROUNDING = 1e-9;

function meanPearson(rows: readonly IncentiveRow[], policy: string): number {
  const found = rows.flatMap((row) => (row.policy === policy && row.pearson !== undefined ? [row.pearson] : []));
  return found.length === 0 ? Number.NEGATIVE_INFINITY : found.reduce((sum, value) => sum + value, 0) / found.length;
}

/** Sentences of what remains under every policy that reads scores. */
function unfixedBy(rows: readonly IncentiveRow[]): string[] {
  const reading = rows.filter(({ policy }) => policy !== EQUAL);
  const sentences: string[] = [];
  const least = (figure: (row: IncentiveRow) => number | undefined): { row: IncentiveRow; value: number } | undefined =>
    worstPerPolicy(reading, figure)
      .sort((a, b) => a.value - b.value)
      .at(0);
  const copies = least((row) => row.planted.copied);
  if (copies) {
    sentences.push(
      `Copies are paid: under every policy some data set pays an exact copy at least ${times(copies.value)} an honest row (least under "${copies.row.policy}"); scores cannot tell who was first.`,
    );
  }
  const informed = least((row) => (ROW_POLICIES.has(row.policy) ? undefined : row.sybilInformed));
  if (informed) {
    sentences.push(
      `Who knows its rows' scores of an earlier batch and splits by them gains up to ${times(informed.value)} under the best of the policies that pay for sums ("${informed.row.policy}"); only rules that no name enters are indifferent.`,
    );
  }
  const seeds = rows.flatMap(({ stability }) => (stability === undefined ? [] : [stability]));
  if (seeds.length > 0) {
    sentences.push(
      `Pay depends on the seed of the training: the mean correlation of one seed's pay with another's is ${mean(seeds).toFixed(2)}, the lowest ${Math.min(...seeds).toFixed(2)}.`,
    );
  }
  const judged = reading.flatMap(({ pearson, pearsonJudged }) =>
    pearson === undefined || pearsonJudged === undefined ? [] : [{ pearson, pearsonJudged }],
  );
  if (judged.length > 0) {
    const [given, known] = [mean(judged.map((row) => row.pearson)), mean(judged.map((row) => row.pearsonJudged))];
    sentences.push(
      `A receipt explains the answer that was given, not the true one: pay correlates with value ${given.toFixed(2)} on average, and would be ${known.toFixed(2)} had the true labels been explained.`,
    );
  }
  const own = least((row) => row.selfReturn);
  if (own) {
    sentences.push(
      `A fee paid to oneself comes back in part: up to ${times(own.value)} of it under the best policy ("${own.row.policy}"); what makes it a loss is what the platform, the model's owner and stakers keep.`,
    );
  }
  return sentences;
}

const EQUAL = equalPerRow.card.name;
/** Those that no name enters. */
const ROW_POLICIES = new Set([positivePartPerRow, pooledPerRow, equalPerRow].map(({ card }) => card.name));

/** The largest figure of each policy over the data sets. */
function worstPerPolicy(
  rows: readonly IncentiveRow[],
  figure: (row: IncentiveRow) => number | undefined,
): { row: IncentiveRow; value: number }[] {
  const worst = new Map<string, { row: IncentiveRow; value: number }>();
  for (const row of rows) {
    const value = figure(row);
    const before = worst.get(row.policy);
    if (value !== undefined && (before === undefined || value > before.value)) worst.set(row.policy, { row, value });
  }
  return [...worst.values()];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function times(value: number): string {
  return `${value.toFixed(2)}×`;
}
