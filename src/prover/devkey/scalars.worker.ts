/** Worker thread: reads an .r1cs and posts the scalars of its development key. */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { CurveModule } from './curveMemory.js';
import { keyScalars } from './keyScalars.js';
import { developmentWaste } from './waste.js';

export interface ScalarsTask {
  readonly curve: CurveModule;
  readonly r1csPath: string;
}

const task = workerData as ScalarsTask;
parentPort?.postMessage(await keyScalars(task.curve, await readFile(task.r1csPath), developmentWaste()));
