/** Runs `meed worker` itself, from the sources, to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Circumstances {
  readonly env?: NodeJS.ProcessEnv;
  /** The worker gets a SIGINT when it aborts. */
  readonly interrupt?: AbortSignal;
  /** Sent when the worker's standard output first holds the text. */
  readonly signals?: Readonly<Record<string, NodeJS.Signals>>;
}

export async function meedWorker(
  args: readonly string[],
  { env = {}, interrupt, signals = {} }: Circumstances = {},
): Promise<Ended> {
  const main = new URL('./worker.cli.ts', import.meta.url);
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(main), 'worker', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  interrupt?.addEventListener('abort', () => child.kill('SIGINT'));
  let stdout = '';
  let stderr = '';
  const left = new Map(Object.entries(signals));
  child.stdout.on('data', (part: Buffer) => {
    stdout += part.toString();
    for (const [text, signal] of left) if (stdout.includes(text) && left.delete(text)) child.kill(signal);
  });
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}
