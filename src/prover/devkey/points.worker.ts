/** Worker thread: takes part in making a key's points, and posts 'done'. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CurveModule } from './curveMemory.js';
import { multiplyPoints, type PointWork } from './keyPoints.js';

export interface PointsTask {
  readonly curve: CurveModule;
  readonly work: PointWork;
}

const task = workerData as PointsTask;
await multiplyPoints(task.curve, task.work);
parentPort?.postMessage('done');
