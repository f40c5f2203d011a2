/** The incentive table as a person reads it: for each data set and method one line a policy, then what follows from it. */
import type { IncentiveRow, Recommendation } from '../../incentives/index.js';
import type { IncentiveReport } from '../commands/incentives.js';
import { table } from '../terminal.js';

const HEAD = [
  'policy',
  'r value',
  '95% interval',
  'rank',
  'a row',
  'left out',
  'answers',
  'judged',
  'seeds',
  'noise',
  'flipped',
  'copy',
  'near',
  'names',
  'sorted',
  'merge',
  'self',
  'host',
  'unpaid',
];

export const LEGEND = `r value, rank: correlation of pay with contributors' Shapley value (held-out rows, true labels), Pearson and Spearman;
a row: both divided by rows; left out: with leaving one contributor out; answers: with the Shapley value of the answers
that were paid for; judged: had receipts explained the true labels; seeds: of one seed's pay with another's.
noise … near: pay of a row ÷ an honest row's. names, sorted: most that splitting gains, blindly and by earlier scores;
merge: most that merging gains. self, host: return on a fee paid to oneself, alone and with the host's queries.`;

export function incentivesText({ rows, values, recommendation }: IncentiveReport): string {
  const groups = [...new Set(rows.map(({ dataset, method }) => `${dataset}\n${method}`))];
  const tables = groups.map((group) => {
    const own = rows.filter(({ dataset, method }) => `${dataset}\n${method}` === group);
    const [{ dataset, method, contributors, rows: count, completeness, coherence, valueStability }] = own;
    const measured = values.find((value) => value.dataset === dataset);
    const facts = [
      `${count} rows of ${contributors} contributors`,
      ...(completeness === undefined ? [] : [`Σ score ÷ fall of the loss ${completeness.toFixed(2)}`]),
      `|Σ| ÷ Σ|·| ${coherence.toFixed(2)}`,
      ...(measured ? [`${measured.how} Shapley value of ${measured.coalitions} coalitions`] : []),
      ...(valueStability === undefined ? [] : [`value of one seed with another's ${valueStability.toFixed(2)}`]),
    ];
    return `${dataset}, ${method}: ${facts.join(', ')}\n${table([HEAD, ...own.map(lineOf)])}`;
  });
  return `${tables.join('\n\n')}\n\n${LEGEND}\n\n${recommendationText(recommendation)}\n`;
}

function lineOf(row: IncentiveRow): string[] {
  const { pearsonInterval: interval, planted } = row;
  return [
    row.policy,
    figure(row.pearson),
    interval ? `${figure(interval.low)} to ${figure(interval.high)}` : '–',
    figure(row.spearman),
    figure(row.pearsonPerRow),
    figure(row.pearsonLeaveOneOut),
    figure(row.pearsonAnswers),
    figure(row.pearsonJudged),
    figure(row.stability),
    figure(planted.noise),
    figure(planted.flipped),
    figure(planted.copied),
    figure(planted['near-copied']),
    figure(row.sybilGain),
    figure(row.sybilInformed),
    figure(row.mergeGain),
    figure(row.selfReturn),
    figure(row.hostReturn),
    figure(row.unpaid),
  ];
}

export function recommendationText(recommendation: Recommendation): string {
  const { excluded, today, elsewhere, unfixed } = recommendation;
  return [
    ...chosenText(recommendation),
    ...excluded.map((one) => `  ${one.policy}: ${one.because}`),
    ...(today ? [`Of those that the contracts settle as they are: "${today.policy}"; ${today.because}.`] : []),
    ...elsewhere
      .filter((one) => one.policy !== undefined)
      .map((one) => `On ${one.dataset}, the other data sets recommend "${one.policy}": r = ${figure(one.pearson)}.`),
    'What no policy fixes:',
    ...unfixed.map((sentence) => `  ${sentence}`),
  ].join('\n');
}

function chosenText({ method, policy, nearest, control }: Recommendation): string[] {
  const beside = control
    ? [
        `Its pay follows value with r = ${figure(control.named)} on average; "${control.policy}", the control that reads no score, with ${figure(control.pearson)}.`,
      ]
    : [];
  if (policy !== undefined) return [`By ${method}, the default to use is "${policy}".`, ...beside, 'The others:'];
  if (!nearest) return [`By ${method}, every policy in this table is worth attacking:`];
  return [
    `By ${method}, every policy in this table exceeds a limit somewhere; least "${nearest.policy}", the default to use: ${nearest.because}.`,
    ...beside,
    'The others:',
  ];
}

/** −0.00 is 0.00. */
function figure(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(2).replace(/^-(0\.00)$/, '$1');
}
