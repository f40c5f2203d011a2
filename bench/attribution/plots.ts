/** LDS of every method with its interval and the ceiling, a picture for each setting, beside the JSON file. */
import { writeFile } from 'node:fs/promises';
import * as Plot from '@observablehq/plot';
import { JSDOM } from 'jsdom';
import type { Row } from './table.js';

export async function writePlots(json: string, rows: readonly Row[]): Promise<void> {
  for (const setting of new Set(rows.map((row) => row.setting))) {
    const shown = rows
      .filter((row) => row.setting === setting && row.lds !== null)
      .map((row) => ({ ...row, label: `${row.method}, ${row.models} model${row.models === 1 ? '' : 's'}` }))
      .toSorted((a, b) => (b.lds ?? 0) - (a.lds ?? 0));
    const { document } = new JSDOM('').window;
    const ceiling = shown.find((row) => row.ceiling !== null)?.ceiling ?? undefined;
    const svg = Plot.plot({
      document,
      title: undefined,
      width: 900,
      height: 60 + 18 * shown.length,
      marginLeft: 300,
      x: { label: `LDS on ${setting} with 95% interval; the line is the noise ceiling`, grid: true },
      y: { label: null, domain: shown.map((row) => row.label) },
      marks: [
        Plot.ruleX([0]),
        ...(ceiling === undefined ? [] : [Plot.ruleX([ceiling], { stroke: '#c33', strokeDasharray: '4 3' })]),
        Plot.ruleY(shown, { x1: (d) => d.interval?.[0], x2: (d) => d.interval?.[1], y: 'label', stroke: '#888' }),
        Plot.dot(shown, { x: 'lds', y: 'label', fill: '#246', r: 4 }),
      ],
    });
    svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    await writeFile(`${json.replace(/\.json$/, '')}-${setting}.svg`, `${svg.outerHTML}\n`);
  }
}
