/**
 * The report of a run as one HTML file: no script, no network, no fonts of its own, so that it can be kept, mailed and
 * opened in ten years. Its own policy forbids everything but inline style and inline pictures, which also disarms what
 * escaping might have missed.
 */
import type { ReportData } from './data.js';
import { html } from './markup.js';
import { audit } from './sections/audit.js';
import { chainOfHashes } from './sections/chainOfHashes.js';
import { completeness } from './sections/completeness.js';
import { contributors } from './sections/contributors.js';
import { costs } from './sections/costs.js';
import { headline } from './sections/headline.js';
import { identities } from './sections/identities.js';
import { instance } from './sections/instance.js';
import { outputs } from './sections/outputs.js';
import { STYLE } from './style.js';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * @returns the text of the file
 * @throws MeedError when an amount is not a whole number of the token's smallest unit
 */
export function renderReport(data: ReportData): string {
  const { summary } = data;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Meed">
<title>${summary.title}: who earned what</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>${headline(data)}${contributors(data)}${completeness(data)}${identities(data)}${outputs(data)}${chainOfHashes(data)}${audit(data)}${costs(data)}${instance(data)}
<footer>Data set ${summary.dataset}, scorer ${summary.scorer}, seed ${summary.seed}. Amounts are rounded here; hover to see all digits, or read summary.json beside this file.</footer>
</main>
</body>
</html>
`.text;
}
