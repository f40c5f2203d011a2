export { defaultMemory, formatBytes, parseBytes, type RowLimits, rowsWithin, workersWithin } from './budget.js';
export { CancelledError } from './cancelled.js';
export { inlinePool } from './inlinePool.js';
export { type LocalPoolOptions, localPool } from './localPool.js';
export { machineMemory } from './machineMemory.js';
export { type MapOptions, runMap } from './map.js';
export type { Job, JobWatch, Pool } from './pool.js';
export { type PoolOptions, poolFromOptions } from './poolFromOptions.js';
export { probePool } from './probe.js';
export {
  type QueuePoolOptions,
  type QueueWorkerOptions,
  queuePool,
  runWorker,
  type WorkerEvent,
} from './queue/index.js';
export { type Registry, registry } from './registry.js';
export { type Closable, defineTask, type Task, type TaskContext } from './task.js';
export type { Structured } from './value.js';
