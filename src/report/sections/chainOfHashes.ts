/** From a row to its payout, one hash after the other: what an auditor follows to find where a payout comes from. */
import { LINK_PLACES, type LinkPlace, type ReportData } from '../data.js';
import { tokens } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { section } from './section.js';

export function chainOfHashes({ chain }: ReportData): Markup | undefined {
  if (chain === undefined) return undefined;
  const places = LINK_PLACES.filter((place) => chain.links.some((link) => link.place === place));
  return section({
    id: 'chain',
    title: 'From a row to its payout',
    says: [
      html`One payout, followed: ${named(chain.contributor)} received ${tokens(chain.amount)} for receipt ${chain.receipt}.`,
      html`Each hash binds the one before it, so a changed row, sketch, score or fee would break the chain where it was changed. The values stand here as they are published, to be searched for.`,
    ],
    shows: html`<ol class="chain">${places.map(
      (place) =>
        html`<li class="place"><h3>${PLACE_TITLES[place]}</h3><ol>${chain.links
          .filter((link) => link.place === place)
          .map(
            (link) =>
              html`<li><b>${named(link.what)}</b> <span class="muted">${link.binds}</span><code>${link.id}</code></li>`,
          )}</ol></li>`,
    )}</ol>`,
  });
}

const PLACE_TITLES: Readonly<Record<LinkPlace, string>> = {
  'data set': 'In the data set',
  index: 'In the index',
  receipt: 'In the receipt',
  chain: 'On the chain',
};
