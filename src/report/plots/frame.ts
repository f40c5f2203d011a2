/**
 * Plots without a browser: Observable Plot draws into a jsdom document and the SVG goes into the page. Each figure is
 * drawn twice, for a page and for a phone, and the style shows one of them: a scaled drawing would have letters too small
 * to read. The trap: ids inside two drawings of one page would collide, so no mark that needs one (clips, gradients) is used.
 */
import * as Plot from '@observablehq/plot';
import { JSDOM } from 'jsdom';
import { html, Markup } from '../markup.js';

/** Pixels of the wide and of the narrow drawing: the text column, and a phone of 360 less its margins. */
export const WIDE = 740;
export const NARROW = 320;

const PLOT_STYLE = {
  background: 'none',
  color: 'inherit',
  fontFamily: 'inherit',
  fontSize: '12px',
  overflow: 'visible',
};

/** One document for all drawings of the process; nothing is ever attached to it. */
const { document } = new JSDOM('<!doctype html>').window;

/** @param label read out instead of the drawing */
export function drawn(label: string, options: Plot.PlotOptions): Markup {
  const element = Plot.plot({
    document,
    style: PLOT_STYLE,
    className: 'plot',
    color: { type: 'identity' },
    ...options,
  });
  element.setAttribute('role', 'img');
  element.setAttribute('aria-label', label);
  for (const style of element.querySelectorAll('style')) style.remove();
  return new Markup(element.outerHTML.replaceAll(' xmlns="http://www.w3.org/2000/svg"', ''));
}

/** A drawing for each of the two widths. */
export function figureAt(draw: (width: number) => Markup): Markup {
  return html`<figure class="plot-figure"><div class="wide">${draw(WIDE)}</div><div class="narrow">${draw(NARROW)}</div></figure>`;
}
