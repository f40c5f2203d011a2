/** A part of the page: on the left what it says, on the right what shows it; one below the other on a phone. */
import { html, type Markup, type Piece } from '../markup.js';

export interface Section {
  readonly id: string;
  readonly title: string;
  /** One or more paragraphs. */
  readonly says: readonly Piece[];
  readonly shows: Piece;
}

export function section({ id, title, says, shows }: Section): Markup {
  return html`
<section id="${id}" aria-labelledby="${id}-title">
  <div class="says"><h2 id="${id}-title">${title}</h2>${says.map((paragraph) => html`<p>${paragraph}</p>`)}</div>
  <div class="shows">${shows}</div>
</section>`;
}

/** A table may be wider than a phone; then it scrolls by itself, also by keyboard. */
export function scrolling(label: string, table: Markup): Markup {
  return html`<div class="scrolling" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
}

export interface Fact {
  readonly name: string;
  readonly value: Piece;
}

export function facts(list: readonly Fact[]): Markup {
  return html`<dl class="facts">${list.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
