/**
 * The first screen: who was paid what, whether the audit passed, where the fees went, and what all this proves. The trap
 * is to claim too much: what a proof does not cover stands beside what it covers, at the same size.
 */
import type { ReportData } from '../data.js';
import { count, counted, exactTokens, partOf, percent, seconds, tokens, tokenText } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { FEE_PARTS } from '../palette.js';
import { stripPlot } from '../plots/strip.js';
import type { Summary } from '../summary.js';
import { facts } from './section.js';

export function headline({ summary, contributorNoun }: ReportData): Markup {
  const { fees, audit, accuracy } = summary;
  const noun = contributorNoun ?? 'contributor';
  const paid = summary.payouts.filter(({ amount }) => amount !== '0').length;
  const best = [...summary.payouts].sort((a, b) => b.share - a.share)[0];
  return html`
<header class="masthead">
  <p class="eyebrow"><span class="wordmark">meed</span> <span>${named(summary.title)}</span> <span>seed ${summary.seed}</span></p>
  <h1>${counted(paid, noun)} earned ${tokens(fees.contributors)} from ${counted(summary.receipts, 'model output')}.</h1>
  <p class="lead">${best && html`The largest part, ${percent(best.share)}, goes to ${named(best.contributor)}. `}Each output’s fee was shared by how much each ${noun}’s training rows are found to have lowered that output’s loss.</p>
  ${badge(audit)}
  ${feeStrip(fees)}
  ${facts([
    { name: 'training rows', value: count(summary.samples) },
    { name: 'right on held-out rows', value: percent(accuracy.heldOut) },
    { name: 'scores proven', value: count(summary.slots * summary.receipts) },
    { name: 'all stages', value: seconds(summary.stages.reduce((sum, stage) => sum + stage.seconds, 0)) },
  ])}
  <div class="claims">
    <div><h2>What was proven</h2><p>${proven(summary)}</p></div>
    <div><h2>What was not</h2><ul>
      <li><strong>That attribution is right.</strong> That the sketches come from this model, and that they measure influence, is no part of the proof. The audit derives a sample of them again; benchmarks against retraining judge them.</li>
      ${summary.keyForgeable && html`<li><strong>That nobody could forge.</strong> The proving key is a development key: whoever has this software can forge a proof under it. Do not let real money depend on it.</li>`}
      <li><strong>That anything is hidden.</strong> Scores are public, and the openings of all commitments are published for the audit.</li>
    </ul></div>
  </div>
</header>`;
}

function proven({ proofs, shards, batches, slots, keyForgeable }: Summary): Markup {
  return html`${counted(proofs, 'zero-knowledge proof')} (${counted(shards, 'shard')} × ${counted(batches, 'batch', 'batches')}), checked by the contract before it paid: every score is exactly the product of a committed output and the committed sum of one contributor’s rows (${counted(slots, 'slot')} in all). From the scores to the payouts the contract computes in the open.${keyForgeable && html` Under the development key, this shows that the mechanism works, and no more.`}`;
}

function badge({ passed, checks }: Summary['audit']): Markup {
  const good = checks.filter((check) => check.passed).length;
  return passed
    ? html`<p class="badge passed"><span aria-hidden="true">✓</span> Audit passed <span class="muted">${good} of ${checks.length} checks, re-derived from the published files and the chain</span></p>`
    : html`<p class="badge failed"><span aria-hidden="true">✗</span> Audit failed <span class="muted">${checks.length - good} of ${checks.length} checks: <a href="#audit">see which</a></span></p>`;
}

function feeStrip(fees: Summary['fees']): Markup {
  const parts = [
    { name: 'contributors', amount: fees.contributors },
    { name: 'model owner', amount: fees.modelOwner },
    { name: 'stakers', amount: fees.stakers },
    { name: 'platform', amount: fees.platform },
    { name: 'dust of rounding', amount: fees.dust },
  ].map((part, i) => ({ ...part, colour: FEE_PARTS[i], part: partOf(part.amount, fees.total) }));
  return html`<div class="fees">
  <p class="panel-title">Where ${tokens(fees.total)} of fees went</p>
  ${stripPlot(
    'Fees by who received them; the list below has the figures.',
    parts.map((part) => ({ ...part, text: exactTokens(part.amount) })),
  )}
  <ul class="legend">${parts.map(
    ({ name, amount, colour, part }) =>
      html`<li><i class="swatch" style="background:${colour}"></i>${name} <b title="${exactTokens(amount)}">${part >= 0.0005 ? percent(part) : tokenText(amount)}</b></li>`,
  )}</ul>
</div>`;
}
