/**
 * Colours by meaning, as names of style properties, so that one drawing serves light and dark pages. Hues follow Okabe
 * and Ito's set for colour-blind readers, darkened to 3:1 against the page. The trap: colour never speaks alone; every
 * planted contributor is also labelled in words.
 */
const PLANTED_COLOURS = new Map([
  ['flipped', 'var(--flipped)'],
  ['copied', 'var(--copied)'],
  ['noise', 'var(--noise)'],
  ['mislabelled', 'var(--mislabelled)'],
]);

export const HONEST = 'var(--honest)';
export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
export const RULE = 'var(--rule)';
export const QUIET = 'var(--quiet)';
/** Who shares a fee, in the order of the strip. */
export const FEE_PARTS = ['var(--honest)', 'var(--part-2)', 'var(--part-3)', 'var(--part-4)', 'var(--part-5)'];

export function colourOf(planted: string | undefined): string {
  return planted === undefined ? HONEST : (PLANTED_COLOURS.get(planted) ?? 'var(--unknown)');
}
