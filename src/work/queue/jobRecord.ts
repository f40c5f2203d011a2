/**
 * What stands in the queue for one job: names and hashes, never data and never a path. It comes from the network, so it is
 * read field by field.
 */
import { MeedError } from '../../foundation/index.js';
import { isTaskName } from '../task.js';

export interface JobRecord {
  readonly format: 1;
  readonly task: string;
  readonly version: number;
  /** The job's key; its result lies under it. */
  readonly key: string;
  /** SHA-256 of the input's encoding. */
  readonly tree: string;
  /** SHA-256 of each detached array. */
  readonly arrays: readonly string[];
}

const MOST_ARRAYS = 100_000;

/** Names of the queue's keys and messages in Redis: `<PREFIX>:<QUEUE>:…` are BullMQ's own. */
export const PREFIX = 'meed';
export const QUEUE = 'work';
/** Message: the id of a job whose caller does not want it any more. */
export const CANCEL_CHANNEL = 'meed:cancel';
/** The same, for the worker that takes the job later. */
export const cancelledName = (jobId: string): string => `meed:cancelled:${jobId}`;

/** @throws MeedError when it is no job of this format */
export function readJobRecord(value: unknown): JobRecord {
  if (isJobRecord(value)) return value;
  throw new MeedError(
    'A job in the queue is malformed or of another version of Meed',
    'Install the same version of Meed on both sides',
  );
}

function isJobRecord(value: unknown): value is JobRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { format, task, version, key, tree, arrays } = value as Record<string, unknown>;
  return (
    format === 1 &&
    typeof task === 'string' &&
    isTaskName(task) &&
    Number.isSafeInteger(version) &&
    isHash(key) &&
    isHash(tree) &&
    Array.isArray(arrays) &&
    arrays.length <= MOST_ARRAYS &&
    arrays.every(isHash)
  );
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
