/** A worker process as `meed worker` is one, serving the tests' tasks: URL, threads and mode in its arguments. */
import { runWorker } from '../../src/work/index.js';
import { testTasks } from './testTasks.js';

const [url, threads, leaves] = process.argv.slice(2);
const finish = new AbortController();
const stop = new AbortController();
process.on('SIGTERM', () => finish.abort());
process.on('SIGINT', () => stop.abort());
await runWorker(url, {
  registry: testTasks,
  workers: Number(threads),
  memoryBytes: 1e9,
  leaves: leaves === 'drained' ? 'drained' : 'never',
  // a busy machine renews late, and a lock that has run out gives the job to another
  lockSeconds: 6,
  finish: finish.signal,
  stop: stop.signal,
  onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
