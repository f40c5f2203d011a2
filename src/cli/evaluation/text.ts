/** The grid as a person reads it: one table for each setting and measure. */
import type { GridRow, Measure } from '../../influence/index.js';
import { table } from '../terminal.js';

export function gridText(rows: readonly GridRow[], measures: readonly Measure[]): string {
  const settings = [...new Set(rows.map(({ setting }) => setting))];
  return settings
    .flatMap((setting) =>
      measures.flatMap(({ name, claim }) => {
        const own = rows.filter((row) => row.setting === setting && row.measure === name);
        return own.length === 0 ? [] : [`${setting}: ${name}, ${claim}\n${measureTable(own)}\n`];
      }),
    )
    .join('\n');
}

function measureTable(rows: readonly GridRow[]): string {
  const known = rows.filter(({ note }) => note === null);
  // a curve beside a figure that sums it up is for the plot
  const summed = known.filter(({ curve }) => curve === null);
  const figures = summed.length > 0 ? summed : known;
  const several = figures.some(({ at }) => at !== '');
  const ceiling = figures.some((row) => row.ceiling !== null);
  const head = [
    'method',
    ...(several ? ['figure'] : []),
    'value',
    '95% interval',
    'chance',
    ...(ceiling ? ['ceiling'] : []),
    'seconds',
    'settings',
  ];
  const lines = figures.map((row) => [
    row.method,
    ...(several ? [row.at] : []),
    figure(row.value),
    row.low === null || row.high === null ? '–' : `${figure(row.low)} to ${figure(row.high)}`,
    figure(row.chance),
    ...(ceiling ? [figure(row.ceiling)] : []),
    row.seconds === null ? '–' : row.seconds.toFixed(2),
    settingsText(row.params),
  ]);
  const refused = rows.flatMap(({ method, note }) => (note === null ? [] : [`${method}: ${note}`]));
  return [...(lines.length > 0 ? [table([head, ...lines])] : []), ...refused].join('\n');
}

export function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

function settingsText(params: string): string {
  return params.replace(/[{}"]/g, '').replaceAll(':', '=').replaceAll(',', ', ') || '–';
}

/** One finished figure on one line, for who waits. */
export function rowLine({ method, measure, at, value, low, high, note }: GridRow): string {
  const what = `${measure}${at === '' ? '' : `, ${at}`}`;
  if (note !== null) return `${method}, ${what}: ${note}`;
  return `${method}, ${what}: ${figure(value)} (${figure(low)} to ${figure(high)})`;
}
