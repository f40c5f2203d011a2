/**
 * A page as one HTML file: no script, no network, no fonts of its own, so that it can be kept, mailed and opened in ten
 * years. Its own policy forbids everything but inline style and inline pictures, which also disarms what escaping might
 * have missed.
 */
import { html, type Piece } from './markup.js';
import { STYLE } from './style.js';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** @returns the text of the file */
export function page(title: string, main: Piece): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Meed">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>${main}
</main>
</body>
</html>
`.text;
}
