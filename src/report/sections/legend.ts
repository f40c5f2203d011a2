/** What the colours of contributors mean, in words. */
import { html, type Markup, named } from '../markup.js';
import { colourOf } from '../palette.js';

const MEANINGS = new Map([
  ['flipped', 'labels flipped on purpose'],
  ['copied', 'rows copied from another'],
  ['noise', 'noise instead of data'],
  ['mislabelled', 'careless labels'],
]);

export function plantedTag(planted: string | undefined): Markup | undefined {
  return planted === undefined
    ? undefined
    : html` <span class="tag"><i class="swatch" style="background:${colourOf(planted)}"></i>${named(planted)}</span>`;
}

/** Nothing when nothing was planted: one colour needs no legend. */
export function plantedLegend(contributors: readonly { readonly planted?: string }[]): Markup | undefined {
  const kinds = [...new Set(contributors.flatMap(({ planted }) => (planted === undefined ? [] : [planted])))];
  if (kinds.length === 0) return undefined;
  return html`<ul class="legend" aria-label="Colours">
    <li><i class="swatch" style="background:${colourOf(undefined)}"></i>honest</li>
    ${kinds.map((kind) => {
      const meaning = MEANINGS.get(kind);
      return html`<li><i class="swatch" style="background:${colourOf(kind)}"></i>${named(kind)}${meaning && html`<span class="muted">: ${meaning}</span>`}</li>`;
    })}
  </ul>`;
}
