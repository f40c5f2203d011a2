/**
 * The rows that helped and harmed an output most, each as what it is: pictures as a gallery, texts as quotations, other
 * features as one table with the output beside its rows, so that values can be compared along a line. Texts are cut to an
 * excerpt; what was cut is said.
 */
import type { InfluentialRow, ReportData } from '../data.js';
import { counted, figure, signed } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { type Picture, pictureOf, pngDataUri } from '../picture.js';
import { type ShownRow, showsValues } from '../shownRow.js';
import { plantedTag } from './legend.js';
import { scrolling } from './section.js';

const VALUES_MAX = 24;
const EXCERPT_LETTERS = 600;

export type Shape = Pick<ReportData, 'classes' | 'featureShape' | 'featureNames'>;

/** What is explained, as far as its rows need to know it. */
export interface Explained extends ShownRow {
  readonly receipt: number;
  readonly predictedClass: number;
  readonly helpful: readonly InfluentialRow[];
  readonly harmful: readonly InfluentialRow[];
}

export function influentialRows(output: Explained, shape: Shape): Markup {
  const picture = pictureOf(shape.featureShape);
  const { helpful, harmful } = output;
  if (picture)
    return html`${gallery('Helped most', helpful, picture, shape)}${gallery('Harmed most', harmful, picture, shape)}`;
  const values = showsValues(shape, output) && comparison(output, shape);
  if (output.text === undefined) return html`${values}`;
  return html`${quotations('Helped most', helpful, shape)}${quotations('Harmed most', harmful, shape)}${values}`;
}

/** What was asked about, as a picture or a text; a table has it beside its rows. */
export function asked(output: Explained, shape: Shape): Markup | undefined {
  const picture = pictureOf(shape.featureShape);
  if (picture) {
    return image(
      picture,
      output.features,
      'large',
      `The output’s input, taken for ${plainClass(shape, output.predictedClass)}`,
    );
  }
  return output.text === undefined ? undefined : quotation(output.text);
}

function quotations(title: string, rows: readonly InfluentialRow[], shape: Shape): Markup | undefined {
  if (rows.length === 0) return undefined;
  return html`<h4>${title}</h4><ul class="texts">${rows.map(
    (row) => html`<li>
      <p><b>${named(row.contributor)}</b>${plantedTag(row.planted)} <span class="muted">row ${row.row}, ${className(shape, row.label)}</span>
      <span class="${row.score < 0 ? 'bad' : 'good'} figure" title="score ${row.score}">${signed(row.score)}</span></p>
      ${quotation(row.text ?? '')}</li>`,
  )}</ul>`;
}

/** Line breaks are the text's own; everything else that cannot be seen is replaced as in any text of unknown origin. */
function quotation(text: string): Markup {
  const letters = [...text];
  const left = letters.length - EXCERPT_LETTERS;
  const lines = letters
    .slice(0, EXCERPT_LETTERS)
    .join('')
    .replaceAll('\t', ' ')
    .split(/\r\n|\r|\n/);
  return html`<blockquote dir="auto">${lines.map((line, i) => html`${i > 0 && html`<br>`}${line}`)}${left > 0 && html`<span class="muted">… and ${counted(left, 'letter')} more</span>`}</blockquote>`;
}

function gallery(title: string, rows: readonly InfluentialRow[], picture: Picture, shape: Shape): Markup | undefined {
  if (rows.length === 0) return undefined;
  return html`<h4>${title}</h4><ul class="gallery">${rows.map(
    (row) => html`<li>
      ${image(picture, row.features, 'small', `Row ${row.row} of ${row.contributor}, labelled ${plainClass(shape, row.label)}`)}
      <b>${named(row.contributor)}</b>${plantedTag(row.planted)}
      <span>${className(shape, row.label)}</span>
      <span class="${row.score < 0 ? 'bad' : 'good'} figure" title="score ${row.score}">${signed(row.score)}</span>
    </li>`,
  )}</ul>`;
}

function image(picture: Picture, features: readonly number[], size: 'large' | 'small', alt: string): Markup {
  return html`<img class="${size}" src="${pngDataUri(picture, features)}" width="${picture.columns}" height="${picture.rows}" alt="${alt}">`;
}

function comparison(output: Explained, shape: Shape): Markup {
  const rows = [...output.helpful, ...output.harmful];
  const shown = output.features.slice(0, VALUES_MAX);
  const left = output.features.length - shown.length;
  return scrolling(
    `Values of receipt ${output.receipt} beside its most influential rows`,
    html`<table class="comparison">
  <caption>The output beside the rows that helped (+) and harmed (−) most${left > 0 && `; ${left} more values are left out`}</caption>
  <thead>
    <tr><th scope="col">feature</th><th scope="col" class="number">this output</th>${rows.map(
      (row) =>
        html`<th scope="col" class="number">${named(row.contributor)}${plantedTag(row.planted)}<span class="under">row ${row.row}</span></th>`,
    )}</tr>
    <tr class="strong"><th scope="row">score</th><td class="number">·</td>${rows.map((row) => html`<td class="number ${row.score < 0 ? 'bad' : 'good'}" title="${row.score}">${signed(row.score)}</td>`)}</tr>
    <tr class="strong"><th scope="row">class</th><td class="number">${className(shape, output.predictedClass)}</td>${rows.map((row) => html`<td class="number">${className(shape, row.label)}</td>`)}</tr>
  </thead>
  <tbody>${shown.map(
    (value, i) =>
      html`<tr><th scope="row">${named(shape.featureNames?.[i] ?? `value ${i}`)}</th><td class="number">${figure(value)}</td>${rows.map((row) => html`<td class="number">${figure(row.features[i])}</td>`)}</tr>`,
  )}</tbody></table>`,
  );
}

export function className(shape: Shape, label: number): Markup {
  return named(plainClass(shape, label));
}

export function plainClass({ classes }: Shape, label: number): string {
  return classes[label] ?? `class ${label}`;
}
