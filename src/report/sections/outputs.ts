/**
 * Outputs explained: what the model saw and said, who is paid for it, and the training rows that helped and harmed most.
 * Pictures are shown as pictures; other features as one table with the output beside its rows, so that values can be
 * compared along a line.
 */
import type { ExplainedOutput, InfluentialRow, ReportData } from '../data.js';
import { figure, partOf, percent, signed, sumOf, tokens } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { colourOf, QUIET } from '../palette.js';
import { type Picture, pictureOf, pngDataUri } from '../picture.js';
import { type Bar, smallBarPlot } from '../plots/bars.js';
import { plantedTag } from './legend.js';
import { scrolling, section } from './section.js';

const PAYEES_MAX = 5;
const VALUES_MAX = 24;
const PAYEES_WIDTH = 320;

type Shape = Pick<ReportData, 'classes' | 'featureShape' | 'featureNames'>;

export function outputs(data: ReportData): Markup | undefined {
  if (data.outputs.length === 0) return undefined;
  return section({
    id: 'outputs',
    title: 'Some outputs, explained',
    says: [
      html`A receipt explains the answer that the model <em>gave</em>. Rows with a positive score lowered the loss of that answer while the model was trained; rows with a negative one raised it.`,
      html`Scores of all of a contributor’s rows are summed before anyone is paid, so a single row seen here is a reason, not a price.`,
    ],
    shows: data.outputs.map((output) => article(output, data)),
  });
}

function article(output: ExplainedOutput, shape: Shape): Markup {
  const picture = pictureOf(shape.featureShape);
  return html`<article class="output" aria-labelledby="receipt-${output.receipt}">
  <div class="given">
    ${picture && image(picture, output.features, 'large', `The output’s input, taken for ${plainClass(shape, output.predictedClass)}`)}
    <div>
      <h3 id="receipt-${output.receipt}"><span class="muted">Receipt ${output.receipt}</span> ${className(shape, output.predictedClass)}</h3>
      <p>${percent(output.confidence)} sure${truth(output, shape)}<br>fee ${tokens(output.fee)}</p>
    </div>
    <div class="payees"><p class="panel-title">Who is paid for it</p>${payees(output)}</div>
  </div>
  ${picture ? html`${gallery('Helped most', output.helpful, picture, shape)}${gallery('Harmed most', output.harmful, picture, shape)}` : comparison(output, shape)}
</article>`;
}

function truth({ trueLabel, predictedClass }: ExplainedOutput, shape: Shape): Markup | undefined {
  if (trueLabel === undefined) return undefined;
  return trueLabel === predictedClass
    ? html`, and right <span class="good" aria-hidden="true">✓</span>`
    : html`, but it is ${className(shape, trueLabel)} <span class="bad" aria-hidden="true">✗</span>`;
}

function payees({ payouts, receipt }: ExplainedOutput): Markup {
  if (payouts.length === 0) return html`<p class="muted">Nobody: no contributor’s rows helped it.</p>`;
  const total = sumOf(payouts.map(({ amount }) => amount));
  const rest = payouts.slice(PAYEES_MAX);
  const bars: Bar[] = payouts.slice(0, PAYEES_MAX).map(({ contributor, planted, amount }) => ({
    name: contributor,
    value: partOf(amount, total),
    text: percent(partOf(amount, total)),
    colour: colourOf(planted),
  }));
  if (rest.length > 0) {
    const part = partOf(sumOf(rest.map(({ amount }) => amount)), total);
    bars.push({ name: `${rest.length} others`, value: part, text: percent(part), colour: QUIET });
  }
  return smallBarPlot(`Parts of the pay for receipt ${receipt}`, bars, PAYEES_WIDTH);
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

function comparison(output: ExplainedOutput, shape: Shape): Markup {
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

function className(shape: Shape, label: number): Markup {
  return named(plainClass(shape, label));
}

function plainClass({ classes }: Shape, label: number): string {
  return classes[label] ?? `class ${label}`;
}
