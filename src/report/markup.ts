/**
 * HTML that cannot forget to escape: the tag `html` escapes every value that is not itself markup. Only `Markup` passes
 * unescaped, and only this file, the plots and the style make it from text. The trap: control and direction characters
 * in a name can reorder or hide what stands beside it, so they are shown as replacement characters.
 */
export class Markup {
  constructor(readonly text: string) {}
}

/** Undefined and false are nothing, so that `condition && html` may stand in a page. */
export type Piece = Markup | string | number | undefined | false | readonly Piece[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Values may stand in text and in quoted attributes; a list is its pieces in order. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + textOf(pieces[i - 1]) + string));
}

/** Text of unknown origin with nothing in it that cannot be seen. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Cs}]/gu, '\uFFFD');
}

/** A name from data, cut to a length that a plot has room for. */
export function shortened(text: string, length: number): string {
  const characters = [...visible(text)];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/** A name from data: isolated, so that its writing direction ends with it. */
export function named(text: string): Markup {
  return html`<bdi>${text}</bdi>`;
}

function textOf(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'string') return visible(piece).replace(/[&<>"']/g, (character) => ENTITIES[character]);
  if (typeof piece === 'number') return String(piece);
  return piece.map(textOf).join('');
}
