/**
 * A process that proves as `meed prove` does: COUNT statements, finished ones in STORE, stopped by SIGINT. Says one JSON line
 * for what it found and after each proof, and ends by itself, with the sentence of what went wrong.
 */
import { MeedError } from '../../../src/foundation/index.js';
import { proveStatements } from '../../../src/prover/service/index.js';
import { tinyKey, tinyStatements } from './tinyStatements.js';

const [store, count, workers] = process.argv.slice(2);
const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
try {
  const { found, proofs } = await proveStatements(await tinyKey(), await tinyStatements(Number(count)), {
    store,
    workers: Number(workers),
    signal: stop.signal,
    progress: (done) => say({ done }),
  });
  say({ found, proofs: proofs.length });
} catch (error) {
  if (!(error instanceof MeedError)) throw error;
  say({ refused: error.message });
}
