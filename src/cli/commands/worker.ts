/** `meed worker`: serves jobs that other machines' commands put into a queue on Redis, until it is told to leave. */
import { Command } from 'commander';
import { formatRate, Pace } from '../../foundation/index.js';
import {
  defaultMemory,
  formatBytes,
  parseBytes,
  type Registry,
  runWorker,
  type WorkerEvent,
} from '../../work/index.js';
import { whole } from '../arguments.js';
import { listenForInterrupts } from '../interrupt.js';
import { tasks } from '../tasks.js';
import { CLEAR, say } from '../terminal.js';

interface Values {
  readonly queue: string;
  readonly workers?: number;
  readonly memory?: string;
  readonly once?: true;
  readonly json?: true;
}

/** @param registry tasks that are served, those of Meed unless told */
export function workerCommand(registry: Registry = tasks): Command {
  return new Command('worker')
    .description('runs jobs of other machines from a queue on Redis')
    .requiredOption('--queue <url>', 'redis://[user:password@]host[:port][/database], or rediss:// for TLS')
    .option('--workers <n>', 'threads (default: cores, fewer when memory is short)', whole(1))
    .option('--memory <amount>', 'memory that all threads share, e.g. 4GB (default: three quarters of what is there)')
    .option('--once', 'leave when the queue is empty')
    .option('--json', 'print one JSON object an event on standard output')
    .addHelpText(
      'after',
      '\nInterrupted once (SIGINT or SIGTERM), it finishes the running jobs and leaves; twice, it hands them back to the\nqueue and leaves. A worker that dies loses nothing: its jobs go to others after some seconds.\nWhoever may write to the Redis server may run these tasks here: give it a password and a network of its own.',
    )
    .exitOverride()
    .action(async (values: Values) => {
      const memoryBytes = values.memory === undefined ? defaultMemory() : parseBytes(values.memory);
      const interrupts = listenForInterrupts();
      try {
        await runWorker(values.queue, {
          registry,
          workers: values.workers,
          memoryBytes,
          leaves: values.once ? 'drained' : 'never',
          finish: interrupts.first,
          stop: interrupts.second,
          onEvent: values.json ? printJson : talk(memoryBytes),
        });
      } finally {
        interrupts.dispose();
      }
    });
}

function printJson(event: WorkerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** What a person sees: on a terminal a count that is redrawn, elsewhere a line now and then. */
function talk(memoryBytes: number): (event: WorkerEvent) => void {
  const stream = process.stderr;
  const terminal = stream.isTTY === true;
  const every = terminal ? 100 : 60_000;
  let done = 0;
  let failed = 0;
  let drawn = Number.NEGATIVE_INFINITY;
  let pace: Pace | undefined;
  const count = (): void => {
    const now = performance.now();
    if (now - drawn < every) return;
    drawn = now;
    const rate = pace?.at(done, done, now);
    const text = `${done} job(s) done${failed === 0 ? '' : `, ${failed} failed`}${rate ? `, ${formatRate(rate.perSecond)}` : ''}`;
    stream.write(terminal ? `${CLEAR}${text}` : `${text}\n`);
  };
  return (event) => {
    switch (event.event) {
      case 'ready':
        pace = new Pace(0, performance.now());
        say(`Serving ${event.queue} on ${event.threads} thread(s) with ${formatBytes(memoryBytes)}`);
        say(`Tasks: ${event.tasks.join(', ')}`);
        break;
      case 'done':
      case 'found':
        done++;
        count();
        break;
      case 'failed':
        failed++;
        say(`${event.task}: ${event.error}`);
        break;
      case 'returned':
        say(`${event.task}: handed back to the queue`);
        break;
      case 'notice':
        say(event.sentence);
        break;
      case 'finishing':
        if (event.running > 0) say(`Finishing ${event.running} job(s); interrupt again to hand them back`);
        break;
      case 'left':
        say(`Left after ${done} job(s)${failed === 0 ? '' : `, ${failed} failed`}`);
        break;
    }
  };
}
