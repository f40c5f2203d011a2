/**
 * An explanation for a terminal. Everything that data says passes `visible` first: a name or a text could otherwise move the
 * cursor or rewrite the lines above it.
 */
import { shortened, visible } from '../markup.js';
import { pictureOf } from '../picture.js';
import { showsValues } from '../shownRow.js';
import { blockPicture } from './blockPicture.js';
import { classOf, completenessSentence, type ExplainedRow, type OutputExplanation } from './explanation.js';

const NAME_LETTERS = 28;
const EXCERPT_LETTERS = 240;
const VALUES_MAX = 24;
const DIGITS = 4;
const MOST_PLACES = 20;
const GAP = '  ';

/** @param width characters of a line */
export function explanationText(explanation: OutputExplanation, width: number): string {
  const { receipt, predictedClass, trueLabel, confidence, claim, helpful, harmful } = explanation;
  const truth = trueLabel === predictedClass ? 'which is right' : `but it is "${nameOf(explanation, trueLabel)}"`;
  const blocks = [
    [
      `Output ${receipt}: "${nameOf(explanation, predictedClass)}", given with probability ${confidence.toFixed(3)}. It is a held-out row of ${shortened(explanation.dataset.title, 80)}, ${truth}.`,
      ...folded(visible(claim.sentence), width),
      ...folded(completenessSentence(explanation) ?? '', width),
    ].join('\n'),
    pictureBlock(explanation),
    explanation.text === undefined
      ? undefined
      : folded(excerpt(explanation.text), width - 2)
          .map(indented)
          .join('\n'),
    section('Helped most', helpful, explanation, width),
    section('Harmed most', harmful, explanation, width),
    valuesBlock(explanation, width),
    totals(explanation),
  ];
  return `${blocks.filter((block) => block !== undefined && block !== '').join('\n\n')}\n`;
}

function pictureBlock({ dataset, features }: OutputExplanation): string | undefined {
  const picture = pictureOf(dataset.featureShape);
  return picture && blockPicture(picture, features).map(trimmed).join('\n');
}

function section(title: string, rows: readonly ExplainedRow[], explanation: OutputExplanation, width: number): string {
  if (rows.length === 0) return `${title}\n(none)`;
  const places = placesFor(rows.map(({ score }) => score));
  const cells = rows.map((row) => [
    `row ${row.row}`,
    shortened(row.contributor, NAME_LETTERS),
    nameOf(explanation, row.label),
    row.score.toFixed(places),
  ]);
  const list = columns([['sample', 'contributor', 'label', 'score'], ...cells]);
  const picture = pictureOf(explanation.dataset.featureShape);
  if (picture) return [title, ...list, '', ...sideBySide(rows, picture, width)].join('\n');
  if (rows.every(({ text }) => text === undefined)) return [title, ...list].join('\n');
  const [header, ...lines] = list;
  return [title, header, ...lines.flatMap((line, i) => [line, ...quoted(rows[i], width)])].join('\n');
}

function quoted({ text }: ExplainedRow, width: number): string[] {
  return folded(excerpt(text ?? ''), width - 2).map(indented);
}

function sideBySide(
  rows: readonly ExplainedRow[],
  picture: NonNullable<ReturnType<typeof pictureOf>>,
  width: number,
): string[] {
  const drawn = rows.map(({ row, features }) => {
    const lines = blockPicture(picture, features);
    const across = Math.max(`row ${row}`.length, lines[0].length);
    return [`row ${row}`, ...lines].map((line) => line.padEnd(across));
  });
  const across = Math.max(...drawn.map(([line]) => line.length)) + GAP.length;
  const perLine = Math.max(1, Math.floor((width + GAP.length) / across));
  const lines: string[] = [];
  for (let start = 0; start < drawn.length; start += perLine) {
    const beside = drawn.slice(start, start + perLine);
    lines.push(...beside[0].map((_, k) => trimmed(beside.map((each) => each[k]).join(GAP))), '');
  }
  return lines.slice(0, -1);
}

/** The output beside its rows, a line a feature, in as many tables as the width asks for. */
function valuesBlock(explanation: OutputExplanation, width: number): string | undefined {
  const { dataset, features, helpful, harmful } = explanation;
  if (!showsValues(dataset, explanation)) return undefined;
  const count = Math.min(features.length, VALUES_MAX);
  const names = Array.from({ length: count }, (_, i) =>
    shortened(dataset.featureNames?.[i] ?? `value ${i}`, NAME_LETTERS),
  );
  const own = ['this output', ...features.slice(0, count).map(valueText)];
  const others = [...helpful, ...harmful].map((row) => [
    `row ${row.row} ${row.score < 0 ? '−' : '+'}`,
    ...row.features.slice(0, count).map(valueText),
  ]);
  const widthOf = (column: readonly string[]) => Math.max(...column.map((cell) => cell.length)) + GAP.length;
  const room = width - widthOf(['', ...names]) - widthOf(own);
  const tables: string[][][] = [[]];
  for (const column of others) {
    const now = tables[tables.length - 1];
    const used = now.reduce((sum, each) => sum + widthOf(each), 0);
    if (now.length > 0 && used + widthOf(column) > room) tables.push([column]);
    else now.push(column);
  }
  const left = features.length - count;
  const note = left > 0 ? [`(${left} more values are left out)`] : [];
  const drawn = tables.map((list) => {
    const across = [['', ...names], own, ...list];
    return columns(
      Array.from({ length: count + 1 }, (_, i) => across.map((column) => column[i])),
      1,
    ).join('\n');
  });
  return ['Values, + of rows that helped, − of rows that harmed', drawn.join('\n\n'), ...note].join('\n');
}

function totals({ contributors, total, dataset }: OutputExplanation): string {
  const places = placesFor(contributors.flatMap(({ helped, harmed }) => [helped, harmed]));
  const cells = [...contributors, { contributor: 'all', ...total }].map(
    ({ contributor, rows, helped, harmed, score }) => [
      shortened(contributor, NAME_LETTERS),
      String(rows),
      helped.toFixed(places),
      harmed.toFixed(places),
      score.toFixed(places),
    ],
  );
  const header = ['contributor', 'rows', 'helped', 'harmed', 'score'];
  const lines = columns([header, ...cells], 1);
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)));
  return [
    `By contributor (${shortened(dataset.contributorNoun, NAME_LETTERS)})`,
    ...lines.slice(0, -1),
    rule,
    lines[lines.length - 1],
  ].join('\n');
}

/** @param toTheLeft columns that are words; the others stand to the right */
function columns(rows: readonly (readonly string[])[], toTheLeft = 3): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows.map((row) =>
    trimmed(row.map((cell, c) => (c < toTheLeft ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join(GAP)),
  );
}

function nameOf(explanation: OutputExplanation, label: number): string {
  return shortened(classOf(explanation, label), NAME_LETTERS);
}

/** Decimals that show the largest to DIGITS digits: scores of some methods are millions, of others millionths. */
function placesFor(scores: readonly number[]): number {
  const largest = Math.max(0, ...scores.map(Math.abs));
  if (largest === 0) return DIGITS;
  return Math.min(MOST_PLACES, Math.max(0, DIGITS - 1 - Math.floor(Math.log10(largest))));
}

function valueText(value: number): string {
  return String(Number(value.toPrecision(DIGITS)));
}

function excerpt(text: string): string {
  const letters = [...visible(text.replace(/\s+/g, ' ').trim())];
  if (letters.length <= EXCERPT_LETTERS) return letters.join('');
  return `${letters.slice(0, EXCERPT_LETTERS).join('')}… (${letters.length - EXCERPT_LETTERS} letters more)`;
}

/** Words in lines of a width; a longer word is cut. */
function folded(text: string, width: number): string[] {
  const room = Math.max(20, width);
  const words = text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${room}}`, 'gsu')) ?? []);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= room) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}

function indented(line: string): string {
  return `${GAP}${line}`;
}

function trimmed(line: string): string {
  return line.trimEnd();
}
