/** An explanation as one self-contained HTML file, in the report's dress. */
import { figure, percent, signed } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { page } from '../page.js';
import { asked, className, influentialRows } from '../sections/influentialRows.js';
import { scrolling, section } from '../sections/section.js';
import { completenessSentence, type OutputExplanation } from './explanation.js';

/** @returns the text of the file */
export function explanationPage(explanation: OutputExplanation): string {
  const { receipt, predictedClass, claim, dataset } = explanation;
  const completeness = completenessSentence(explanation);
  const answer = className(dataset, predictedClass);
  return page(
    `Output ${receipt} of ${dataset.title}, explained`,
    html`<header class="masthead">
  <p class="eyebrow"><span class="wordmark">Meed</span><span>${dataset.title}</span></p>
  <h1>Why “${answer}”?</h1>
  <p class="lead">${claim.sentence}</p>
</header>${section({
      id: 'rows',
      title: 'The rows behind it',
      says: [
        html`The answer that the model gave, and the training rows whose scores are furthest from zero, of both signs.`,
        html`A few rows are a reason, not the whole: the sums stand below.`,
      ],
      shows: html`<article class="output">
  <div class="given">${asked(explanation, dataset)}
    <div><h3><span class="muted">Output ${receipt}</span> ${answer}</h3>
    <p>${percent(explanation.confidence)} sure${truth(explanation)}</p>
    <p class="hash">${explanation.outputHash}</p></div>
  </div>
  ${influentialRows(explanation, dataset)}
</article>`,
    })}${section({
      id: 'contributors',
      title: 'What each contributor’s rows add up to',
      says: [
        html`Scores of all training rows, by the sign of each row and together. A payout follows the last column, not any single row.`,
        completeness,
      ],
      shows: totals(explanation),
    })}
<footer>Method ${claim.method}, scores ${claim.additivity}. Made by <code>meed explain</code>.</footer>`,
  );
}

function truth({ trueLabel, predictedClass, dataset }: OutputExplanation): Markup {
  return trueLabel === predictedClass
    ? html`, and right <span class="good" aria-hidden="true">✓</span>`
    : html`, but it is ${className(dataset, trueLabel)} <span class="bad" aria-hidden="true">✗</span>`;
}

function totals({ contributors, total, dataset }: OutputExplanation): Markup {
  const number = (value: number): Markup => html`<td class="number" title="${value}">${signed(value)}</td>`;
  return scrolling(
    'Sums of scores by contributor',
    html`<table>
  <thead><tr><th scope="col">${dataset.contributorNoun}</th><th scope="col" class="number">rows</th><th scope="col" class="number">helped</th><th scope="col" class="number">harmed</th><th scope="col" class="number">score</th></tr></thead>
  <tbody>${contributors.map(
    ({ contributor, rows, helped, harmed, score }) =>
      html`<tr><th scope="row">${named(contributor)}</th><td class="number">${figure(rows)}</td>${number(helped)}${number(harmed)}${number(score)}</tr>`,
  )}</tbody>
  <tfoot><tr><th scope="row">all</th><td class="number">${figure(total.rows)}</td>${number(total.helped)}${number(total.harmed)}${number(total.score)}</tr></tfoot>
</table>`,
  );
}
