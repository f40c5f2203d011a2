/** Runs `meed worker` itself, from the sources, to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function meedWorker(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const main = new URL('./worker.cli.ts', import.meta.url);
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(main), 'worker', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => {
    stdout += part.toString();
  });
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString();
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}
