/** Do the scores add up to what training changed? A score that is mostly cancellation pays by luck. */
import type { ReportData } from '../data.js';
import { figure, percent } from '../format.js';
import { html, type Markup } from '../markup.js';
import { HONEST, QUIET } from '../palette.js';
import { barPlot } from '../plots/bars.js';
import { facts, section } from './section.js';

/** Within this of 1, first-order scores are called complete: the error of a finite step size. */
const COMPLETE_WITHIN = 0.25;
/** Below this the sum is small against its parts: what cancellation left over. */
const CANCELLED_BELOW = 0.1;

export function completeness({ summary }: ReportData): Markup {
  const { ratio, sumOverMagnitude, scoreSum, lossFall } = summary.completeness;
  return section({
    id: 'completeness',
    title: 'Do the scores add up?',
    says: [
      html`Training lowered the loss of these outputs by ${figure(lossFall)} in sum; the scores of all rows add up to ${figure(scoreSum)}. ${verdict(ratio)}`,
      !(sumOverMagnitude >= CANCELLED_BELOW)
        ? html`Only ${percent(sumOverMagnitude)} of the scores’ magnitude is left in their sum: who is paid is decided by what cancels.`
        : html`${percent(sumOverMagnitude)} of the scores’ magnitude is left in their sum, so pay does not hang on what cancels.`,
    ],
    shows: html`${barPlot('Sum of all scores beside the fall of the loss.', [
      { name: 'fall of the loss', value: lossFall, text: figure(lossFall), colour: QUIET },
      { name: 'sum of scores', value: scoreSum, text: figure(scoreSum), colour: HONEST },
    ])}
    ${facts([
      { name: 'sum ÷ fall (1 is complete)', value: figure(ratio) },
      { name: '|sum| ÷ sum of magnitudes', value: figure(sumOverMagnitude) },
      { name: 'scorer', value: summary.scorer },
    ])}`,
  });
}

function verdict(ratio: number): string {
  if (!Number.isFinite(ratio)) return 'Without a change there is nothing to add up to.';
  if (Math.abs(ratio - 1) <= COMPLETE_WITHIN) return 'That is nearly complete: what is paid for is what training did.';
  return ratio < 1
    ? 'A part of what training did is not explained by the scores.'
    : 'The scores claim more than training did.';
}
