export { type QueuePoolOptions, queuePool } from './queuePool.js';
export { type QueueWorkerOptions, runWorker, type WorkerEvent } from './queueWorker.js';
export { readRedisUrl } from './redisUrl.js';
