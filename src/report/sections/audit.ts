/** Every check of the audit with what it compared, failed ones first. */
import type { ReportData } from '../data.js';
import { counted, seconds } from '../format.js';
import { html, type Markup } from '../markup.js';
import type { AuditCheck } from '../summary.js';
import { scrolling, section } from './section.js';

export function audit({ summary }: ReportData): Markup {
  const { checks, passed } = summary.audit;
  const failed = checks.filter((check) => !check.passed);
  const total = checks.reduce((sum, check) => sum + check.seconds, 0);
  return section({
    id: 'audit',
    title: 'The audit',
    says: [
      html`The auditor used nothing but the published files and the chain, and derived every step again in ${seconds(total)}.`,
      passed
        ? html`All ${counted(checks.length, 'check')} passed.`
        : html`<strong>${counted(failed.length, 'check')} of ${checks.length} failed.</strong> Until it is explained, nobody should rely on this run’s payouts.`,
    ],
    shows: scrolling(
      'Audit checks',
      html`<table><caption>Checks of the audit</caption>
  <thead><tr><th scope="col">check</th><th scope="col">result</th><th scope="col">compared</th><th scope="col" class="number">time</th></tr></thead>
  <tbody>${[...failed, ...checks.filter((check) => check.passed)].map(line)}</tbody></table>`,
    ),
  });
}

function line({ name, passed, detail, seconds: taken }: AuditCheck): Markup {
  const result = passed
    ? html`<span class="good"><span aria-hidden="true">✓</span> passed</span>`
    : html`<span class="bad"><span aria-hidden="true">✗</span> failed</span>`;
  return html`<tr><th scope="row">${name}</th><td class="nowrap">${result}</td><td class="detail">${detail}</td><td class="number nowrap">${seconds(taken)}</td></tr>`;
}
