/**
 * How much memory this process may use: the machine's, or less inside a container. Control groups limit a whole branch,
 * so the smallest limit from the process' own group up to the root counts. Version 2 writes "max" for none in
 * `memory.max`, version 1 a huge number in `memory.limit_in_bytes`. The trap: in a container the group's path is often
 * that of the host and not mounted; what is not there sets no limit.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { systemCode } from '../foundation/index.js';

export interface MemorySources {
  /** The list of this process' groups. */
  readonly groups: string;
  /** Where control groups are mounted. */
  readonly mount: string;
  readonly physicalBytes: number;
}

const LINUX: MemorySources = {
  groups: '/proc/self/cgroup',
  mount: '/sys/fs/cgroup',
  physicalBytes: totalmem(),
};

/** Bytes: the least of physical memory and the limits of control groups. */
export function machineMemory(sources: MemorySources = LINUX): number {
  let least = sources.physicalBytes;
  for (const line of read(sources.groups).split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const second = controllers === '';
    if (!second && !controllers.split(',').includes('memory')) continue;
    const root = second ? sources.mount : join(sources.mount, 'memory');
    const file = second ? 'memory.max' : 'memory.limit_in_bytes';
    for (let folder = path; ; folder = dirname(folder)) {
      const text = read(join(root, folder, file)).trim();
      if (/^\d+$/.test(text)) least = Math.min(least, Number(text));
      if (folder === '/' || folder === '.') break;
    }
  }
  return least;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // no control groups here, not this version, or not ours to read
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR'].includes(systemCode(error) ?? '')) return '';
    throw error;
  }
}
