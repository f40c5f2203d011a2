/**
 * The look of the page. One column on a phone; on a wide screen what is said stands left and what shows it right, as in
 * a printed report. Colours are properties, so that dark is a second list of them; print is always light.
 * The trap: nothing but a scrolling table may be wider than its column, or the whole page scrolls sideways.
 */
import { Markup } from './markup.js';

const LIGHT = `
  --page: #fbfcfc; --raised: #f1f4f5; --ink: #18222b; --muted: #55626d; --rule: #dbe2e6; --quiet: #a3b0b9;
  --honest: #1c6ea4; --flipped: #c4501b; --copied: #a33c7c; --noise: #93700a; --mislabelled: #2f8062; --unknown: #4b5a66;
  --part-2: #5c95bd; --part-3: #8fb4d0; --part-4: #93a1ab; --part-5: #5b6872;
  --good: #17724f; --bad: #b3301f; --ink-of-pictures: none;`;

const DARK = `
  --page: #11171c; --raised: #192128; --ink: #e4e9ec; --muted: #9dabb5; --rule: #2a353d; --quiet: #57656f;
  --honest: #62b0e4; --flipped: #f28a56; --copied: #e391c4; --noise: #dcb43c; --mislabelled: #5fc29a; --unknown: #a7b4bd;
  --part-2: #4382ae; --part-3: #2f5f80; --part-4: #66747e; --part-5: #93a1ab;
  --good: #5cc797; --bad: #ff8d78; --ink-of-pictures: invert(1) brightness(0.93);`;

export const STYLE = new Markup(`
:root { color-scheme: light dark; ${LIGHT}
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "URW Palladio L", P052, "Book Antiqua", Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace; }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--ink); font: 400 1rem/1.55 var(--sans); overflow-wrap: anywhere; }
main { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
h1, h2, h3, h4, p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font: 500 clamp(2rem, 1.2rem + 3.6vw, 3.6rem)/1.08 var(--serif); letter-spacing: -0.015em; text-wrap: balance; max-width: 26ch; }
h2 { font: 500 1.5rem/1.2 var(--serif); letter-spacing: -0.005em; text-wrap: balance; }
h3 { font: 500 1.2rem/1.3 var(--serif); }
h4 { font: 600 0.8125rem/1.4 var(--sans); color: var(--muted); margin: 1.25rem 0 0.5rem; }
a { color: inherit; text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--honest); outline-offset: 2px; }
data, .number, .facts dd, .figure, svg { font-variant-numeric: tabular-nums lining-nums; }
h1 data { white-space: nowrap; font-variant-numeric: lining-nums proportional-nums; }
.muted { color: var(--muted); font-weight: 400; }
.good { color: var(--good); } .bad { color: var(--bad); }
.nowrap { white-space: nowrap; }
.note { font-size: 0.875rem; color: var(--muted); margin-top: 0.5rem; }
.panel-title { font-size: 0.8125rem; font-weight: 600; color: var(--muted); margin: 0 0 0.5rem; }
.plot-figure ~ .panel-title { margin-top: 2.25rem; }

.masthead { padding: 2.25rem 0 3rem; }
.eyebrow { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: baseline; color: var(--muted); font-size: 0.9375rem; margin-bottom: 2.5rem; }
.wordmark { font: 600 1.375rem/1 var(--serif); color: var(--ink); letter-spacing: -0.01em; }
.lead { font: 400 1.1875rem/1.5 var(--serif); color: var(--muted); max-width: 44rem; margin-top: 1.25rem; text-wrap: pretty; }
.badge { display: inline-block; margin-top: 1.5rem; padding: 0.4rem 0.9rem; border: 1px solid currentColor; border-radius: 1.125rem; font-weight: 600; font-size: 0.9375rem; }
.badge .muted { font-size: 0.875rem; margin-left: 0.35rem; }
.badge.passed { color: var(--good); } .badge.failed { color: var(--bad); }
.fees { margin-top: 2.75rem; }
.fees svg { width: 100%; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1.25rem 1.5rem; margin-top: 2rem; }
.facts dt { font-size: 0.8125rem; color: var(--muted); line-height: 1.35; }
.facts dd { font: 500 1.375rem/1.3 var(--serif); overflow-wrap: anywhere; }
.facts div { display: flex; flex-direction: column-reverse; justify-content: flex-end; border-top: 1px solid var(--rule); padding-top: 0.6rem; }
.masthead .facts { grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); }
.claims { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem; margin-top: 2.75rem; }
.claims > div { background: var(--raised); border-radius: 0.5rem; padding: 1.35rem 1.5rem 1.5rem; }
.claims h2 { font-size: 1.2rem; margin-bottom: 0.6rem; }
.claims p, .claims li { font-size: 0.9375rem; }
.claims li + li { margin-top: 0.65rem; }

section { border-top: 1px solid var(--rule); padding: 2.5rem 0 3rem; }
.shows > .facts:first-child { margin-top: 0; }
.says p { margin-top: 0.8rem; font-size: 0.9375rem; color: var(--muted); text-wrap: pretty; }
.says strong { color: var(--bad); }
.shows { margin-top: 1.75rem; min-width: 0; }
@media (min-width: 66rem) {
  main { padding: 0 2.5rem 5rem; }
  section { display: grid; grid-template-columns: minmax(0, 15.5rem) minmax(0, 46.25rem); justify-content: space-between; padding: 3rem 0 3.5rem; }
  .says { position: sticky; top: 2rem; align-self: start; }
  .shows { margin-top: 0.35rem; }
}

.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.25rem; font-size: 0.875rem; margin: 0 0 1.35rem; }
.fees .legend { margin: 0.6rem 0 0; color: var(--muted); }
.legend b { color: var(--ink); font-weight: 600; margin-left: 0.15rem; }
.swatch { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 0.45em; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.tag { display: inline-block; font-size: 0.8125rem; font-weight: 400; color: var(--muted); }
.tag .swatch { margin-right: 0.3em; }

.plot-figure { max-width: 100%; }
.plot { display: block; max-width: 100%; height: auto; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.plot text { white-space: pre; }
.panels { display: flex; gap: 1.75rem; }
.panels > div { min-width: 0; }
.narrow { display: none; }
@media screen and (max-width: 44rem) {
  .wide { display: none; } .narrow { display: block; }
  .panels { flex-direction: column; }
}

.scrolling { overflow-x: auto; margin-top: 1.75rem; }
.shows > .scrolling:first-child { margin-top: 0; }
table { overflow-wrap: break-word; border-collapse: collapse; width: 100%; font-size: 0.875rem; line-height: 1.4; }
caption { text-align: left; font-size: 0.8125rem; font-weight: 600; color: var(--muted); padding-bottom: 0.5rem; }
th, td { text-align: left; vertical-align: baseline; padding: 0.42rem 1rem 0.42rem 0; border-bottom: 1px solid var(--rule); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-size: 0.8125rem; vertical-align: bottom; white-space: nowrap; }
tbody th { color: var(--ink); min-width: 7rem; }
.number { text-align: right; white-space: nowrap; }
.hash { white-space: nowrap; }
.hash, code { font: 400 0.75rem/1.5 var(--mono); color: var(--muted); }
.detail { min-width: 15rem; color: var(--muted); overflow-wrap: anywhere; }
.comparison { width: auto; }
.comparison td.number, .comparison thead th.number { white-space: normal; min-width: 4.75rem; }
.comparison .number + .number { padding-left: 0.5rem; }
.comparison tbody th, .comparison thead th:first-child { position: sticky; left: 0; background: var(--page); min-width: 6.5rem; max-width: 9rem; }
.comparison .strong td { font-weight: 600; }
.under { display: block; }
details { margin-top: 2rem; }
summary { cursor: pointer; font-size: 0.875rem; color: var(--muted); }
details .scrolling { margin-top: 1rem; }

.output + .output { border-top: 1px solid var(--rule); margin-top: 2rem; padding-top: 2rem; }
.given { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; align-items: flex-start; }
.given > div:not(.payees) { flex: 1 1 11rem; }
.given h3 { font-size: 1.375rem; line-height: 1.2; }
.given h3 .muted { display: block; font: 600 0.8125rem/1.6 var(--sans); }
.given p { font-size: 0.9375rem; color: var(--muted); }
.given .payees { flex: 0 1 20rem; min-width: 0; }
.given .payees .panel-title { font-size: 0.8125rem; }
img { display: block; image-rendering: pixelated; filter: var(--ink-of-pictures); height: auto; border: 1px solid #dbe2e6; border-radius: 3px; }
img.large { width: 7rem; } img.small { width: 5rem; margin-bottom: 0.35rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.75rem, 1fr)); gap: 1rem 0.75rem; font-size: 0.8125rem; line-height: 1.4; }
.gallery li { overflow-wrap: anywhere; }
.gallery li > span { display: block; }
.gallery b { font-weight: 600; }
.texts li + li { margin-top: 1rem; } .texts p { font-size: 0.875rem; }
blockquote { margin: 0.3rem 0 0; padding-left: 0.85rem; border-left: 3px solid var(--rule); font: 400 0.9375rem/1.5 var(--serif); max-width: 44rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.given blockquote { flex: 1 1 18rem; }

.chain .place { position: relative; }
.chain .place + .place { margin-top: 1.5rem; }
.chain h3 { font: 600 0.8125rem/1.4 var(--sans); color: var(--muted); margin-bottom: 0.6rem; }
.chain .place li { position: relative; padding: 0 0 1rem 1.5rem; font-size: 0.9375rem; }
.chain .place li::before { content: ""; position: absolute; left: 0; top: 0.45rem; width: 0.65rem; height: 0.65rem; border: 2px solid var(--honest); border-radius: 50%; background: var(--page); z-index: 1; }
.chain .place li::after { content: ""; position: absolute; left: calc(0.325rem - 0.5px); top: 1rem; bottom: -0.5rem; width: 1px; background: var(--rule); }
.chain .place:last-child li:last-child::before { background: var(--honest); }
.chain .place:last-child li:last-child::after { display: none; }
.chain b { font-weight: 600; }
.chain code { display: block; overflow-wrap: anywhere; margin-top: 0.1rem; }

footer { border-top: 1px solid var(--rule); padding-top: 1.25rem; font-size: 0.8125rem; color: var(--muted); }
@media print {
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  .says { position: static; } section { display: block; padding: 1.25rem 0; } .shows { margin-top: 0.75rem; }
  .output, .claims > div, .plot-figure, .chain .place li, tr { break-inside: avoid; }
  h2, h3, h4, .panel-title { break-after: avoid; }
  .scrolling { overflow: visible; } td, th { overflow-wrap: anywhere; } .detail { min-width: 0; } .hash { white-space: normal; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
`);
