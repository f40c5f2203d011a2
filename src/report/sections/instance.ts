/** The circuit, the sizes it was used at, and the name of every artefact: what one needs to run this again. */
import type { ReportData } from '../data.js';
import { count, counted, percent, seconds } from '../format.js';
import { html, type Markup } from '../markup.js';
import { facts, scrolling, section } from './section.js';

export function instance({ summary }: ReportData): Markup {
  const { slots, queries, columns } = summary.instance;
  const { provingSeconds, proofs } = summary;
  return section({
    id: 'instance',
    title: 'Circuit and artefacts',
    says: [
      html`ScoreMatrix(${slots}, ${queries}, ${columns}) proves ${counted(slots * queries, 'score')} at once: ${counted(slots, 'slot')} against ${counted(queries, 'output')}, in sketches of ${columns} columns.`,
      html`With ${count(summary.constraints)} constraints that is ${count(summary.constraints / (slots * queries))} a score.`,
    ],
    shows: html`${facts([
      { name: 'constraints', value: count(summary.constraints) },
      { name: 'proofs', value: count(summary.proofs) },
      { name: 'seconds a proof', value: provingSeconds === 0 ? '—' : seconds(provingSeconds / proofs) },
      { name: 'slots used', value: `${count(summary.slots)} in ${counted(summary.shards, 'shard')}` },
      { name: 'proving key', value: summary.keyForgeable ? 'development, forgeable' : 'from a ceremony' },
      { name: 'engine', value: summary.engine },
      { name: 'held-out rows', value: count(summary.heldOut) },
      { name: 'right on training rows', value: percent(summary.accuracy.train) },
    ])}
    ${scrolling(
      'Artefacts',
      html`<table><caption>Names on disk and on chain</caption><tbody>
      ${Object.entries(summary.ids).map(([stage, id]) => html`<tr><th scope="row">${stage}</th><td class="hash">${id}</td></tr>`)}
      <tr><th scope="row">settlement contract</th><td class="hash">${summary.settlement}</td></tr>
      <tr><th scope="row">chain</th><td class="hash">${summary.chainId}</td></tr>
    </tbody></table>`,
    )}`,
  });
}
