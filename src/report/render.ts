/** The report of a run, as one page. */
import type { ReportData } from './data.js';
import { html } from './markup.js';
import { page } from './page.js';
import { audit } from './sections/audit.js';
import { chainOfHashes } from './sections/chainOfHashes.js';
import { completeness } from './sections/completeness.js';
import { contributors } from './sections/contributors.js';
import { costs } from './sections/costs.js';
import { headline } from './sections/headline.js';
import { identities } from './sections/identities.js';
import { instance } from './sections/instance.js';
import { outputs } from './sections/outputs.js';

/**
 * @returns the text of the file
 * @throws MeedError when an amount is not a whole number of the token's smallest unit
 */
export function renderReport(data: ReportData): string {
  const { summary } = data;
  return page(
    `${summary.title}: who earned what`,
    html`${headline(data)}${contributors(data)}${completeness(data)}${identities(data)}${outputs(data)}${chainOfHashes(data)}${audit(data)}${costs(data)}${instance(data)}
<footer>Data set ${summary.dataset}, scorer ${summary.scorer}, seed ${summary.seed}. Amounts are rounded here; hover to see all digits, or read summary.json beside this file.</footer>`,
  );
}
