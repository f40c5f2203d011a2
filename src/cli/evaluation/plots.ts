/** The grid as SVG files: one for every figure and one for every curve of every setting. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError } from '../../foundation/index.js';
import type { GridRow } from '../../influence/index.js';

/** A row with a figure. */
type Figure = GridRow & { readonly value: number; readonly low: number; readonly high: number };

/** @returns the paths written @throws MeedError when the folder cannot be written */
export async function writePlots(out: string, rows: readonly GridRow[]): Promise<string[]> {
  // loaded here, because the plot library takes a second that the other commands need not spend
  const { comparisonSvg } = await import('../../report/plots/comparison.js');
  const { methodCurvesSvg } = await import('../../report/plots/methodCurves.js');
  const paths: string[] = [];
  for (const [title, own] of groups(rows.filter(isFigure))) {
    const svg =
      own[0].curve === null
        ? comparisonSvg({ title, figures: own.map(named), ...rules(own[0]) })
        : methodCurvesSvg(title, own.map(point));
    const path = join(out, `${title.replace(/[^A-Za-z0-9.]+/g, '-')}.svg`);
    await writeFile(path, svg).catch((error: unknown) => {
      throw explainFileError(error, path);
    });
    paths.push(path);
  }
  return paths;
}

/** By what stands above the drawing. */
function groups(figures: readonly Figure[]): Map<string, Figure[]> {
  const found = new Map<string, Figure[]>();
  for (const figure of figures) {
    const { setting, measure, at, curve } = figure;
    const title = [setting, measure, curve ?? at].filter((part) => part !== '').join(', ');
    found.set(title, [...(found.get(title) ?? []), figure]);
  }
  return found;
}

function isFigure(row: GridRow): row is Figure {
  return row.value !== null && row.low !== null && row.high !== null;
}

function named({ method, value, low, high }: Figure) {
  return { name: method, value, low, high };
}

function rules({ chance, ceiling }: Figure) {
  return { chance: chance ?? undefined, ceiling: ceiling ?? undefined };
}

function point({ method, x, value, chance }: Figure) {
  return { name: method, x: x ?? 0, value, chance: chance ?? undefined };
}
