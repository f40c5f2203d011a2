/** What NVIDIA's driver says of its first GPU. `nvidia-smi` comes with the driver, so where it does not answer none is there. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Adapter } from './adapter.js';

export interface NvidiaGpu extends Adapter {
  readonly memoryBytes: number;
}

const NVIDIA_SMI_MS = 20_000;
const MIB = 2 ** 20;

/** @returns `undefined` where no GPU answers */
export async function cudaAdapter(): Promise<NvidiaGpu | undefined> {
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: NVIDIA_SMI_MS });
    return parseNvidiaSmi(stdout);
  } catch {
    // Not installed, or it found no device: both mean that CUDA has none.
    return undefined;
  }
}

/** @param text lines of "name, MiB" */
export function parseNvidiaSmi(text: string): NvidiaGpu | undefined {
  const match = /^(.+), (\d+)\s*$/m.exec(text);
  return match ? { name: match[1].trim(), kind: 'hardware', memoryBytes: Number(match[2]) * MIB } : undefined;
}
