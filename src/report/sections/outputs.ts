/**
 * Outputs explained: what the model saw and said, who is paid for it, and the training rows that helped and harmed most.
 */
import type { ExplainedOutput, ReportData } from '../data.js';
import { partOf, percent, sumOf, tokens } from '../format.js';
import { html, type Markup } from '../markup.js';
import { colourOf, QUIET } from '../palette.js';
import { type Bar, smallBarPlot } from '../plots/bars.js';
import { asked, className, influentialRows, type Shape } from './influentialRows.js';
import { section } from './section.js';

const PAYEES_MAX = 5;
const PAYEES_WIDTH = 320;

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
  return html`<article class="output" aria-labelledby="receipt-${output.receipt}">
  <div class="given">
    ${asked(output, shape)}
    <div>
      <h3 id="receipt-${output.receipt}"><span class="muted">Receipt ${output.receipt}</span> ${className(shape, output.predictedClass)}</h3>
      <p>${percent(output.confidence)} sure${truth(output, shape)}<br>fee ${tokens(output.fee)}</p>
    </div>
    <div class="payees"><p class="panel-title">Who is paid for it</p>${payees(output)}</div>
  </div>
  ${influentialRows(output, shape)}
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
