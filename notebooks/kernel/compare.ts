/**
 * Whether a second run of a notebook shows what the first one showed. Texts must be the same, and the numbers in them, in
 * tables and in drawings may differ by a tolerance: training amplifies the last bit of another processor's arithmetic.
 * Cells tagged `illustration` show rows chosen by rank, where that bit may exchange near ties, so of these only the kinds of
 * outputs are compared.
 */
import type { NotebookCell, Output, Tolerance } from './document.js';

export const ILLUSTRATION = 'illustration';

const NUMBER = /[-−]?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** @returns one sentence per difference; none when the runs agree */
export function differences(
  before: readonly NotebookCell[],
  after: readonly NotebookCell[],
  tolerance: Tolerance,
): string[] {
  if (before.length !== after.length) return [`There were ${before.length} cells, now there are ${after.length}`];
  return before.flatMap((cell, i) => {
    const now = after[i];
    if (cell.kind !== now.kind || cell.source !== now.source || cell.tags.join() !== now.tags.join()) {
      return [`Cell ${i} is no longer the one that was run`];
    }
    if (cell.outputs.length !== now.outputs.length) {
      return [`Cell ${i} showed ${cell.outputs.length} outputs, now it shows ${now.outputs.length}`];
    }
    const illustration = cell.tags.includes(ILLUSTRATION);
    return cell.outputs.flatMap((output, k) =>
      outputDifferences(output, now.outputs[k], illustration ? undefined : tolerance).map(
        (what) => `Cell ${i}, output ${k}: ${what}`,
      ),
    );
  });
}

function outputDifferences(before: Output, after: Output, tolerance: Tolerance | undefined): string[] {
  const types = Object.keys(before).sort();
  if (types.join() !== Object.keys(after).sort().join()) {
    return [`it was ${types.join(', ')}, now it is ${Object.keys(after).sort().join(', ')}`];
  }
  if (tolerance === undefined) return [];
  return types.flatMap((type) => {
    const found = textDifference(before[type], after[type], tolerance);
    return found === undefined ? [] : [`${type}: ${found}`];
  });
}

/** The first difference between two texts that their numbers' tolerance does not excuse. */
export function textDifference(before: string, after: string, { relative, absolute }: Tolerance): string | undefined {
  if (before === after) return undefined;
  const [words, wordsNow] = [before.split(NUMBER), after.split(NUMBER)];
  const [numbers, numbersNow] = [before.match(NUMBER) ?? [], after.match(NUMBER) ?? []];
  const other = words.findIndex((word, i) => squeezed(word) !== squeezed(wordsNow[i] ?? ''));
  if (other >= 0 || words.length !== wordsNow.length) {
    const at = Math.max(0, other);
    return `"${excerpt(words[at])}" was shown, now "${excerpt(wordsNow[at] ?? '')}"`;
  }
  const far = numbers.findIndex((text, i) => {
    const [was, is] = [asNumber(text), asNumber(numbersNow[i])];
    return !(Math.abs(is - was) <= Math.max(absolute, relative * Math.abs(was)));
  });
  return far < 0 ? undefined : `${numbers[far]} was shown, now ${numbersNow[far]}`;
}

/** Columns are as wide as their widest number, which another digit changes. */
function squeezed(text: string): string {
  return text.replace(/ +/g, ' ');
}

function asNumber(text: string): number {
  return Number(text.replace('−', '-'));
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
