/**
 * Serves this folder on 127.0.0.1, because wallets do not speak to pages opened from the disk: node serve.mjs [PORT].
 * The trap: nothing but the page's own files is given out, whatever path is asked for.
 */
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';

const PORT = Number(process.argv[2] ?? 8080);
const TYPES = {
  'index.html': 'text/html; charset=utf-8',
  'wallet.css': 'text/css',
  'wallet.js': 'text/javascript',
  'deployment.json': 'application/json',
};

const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname.slice(1);
  const name = path === '' ? 'index.html' : path;
  const file = Object.hasOwn(TYPES, name) ? createReadStream(new URL(name, import.meta.url)) : undefined;
  const missing = () => response.writeHead(404).end();
  if (file === undefined) return missing();
  file.once('error', missing);
  file.once('open', () => {
    response.writeHead(200, { 'content-type': TYPES[name] });
    file.pipe(response);
  });
});
server.listen(PORT, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));
