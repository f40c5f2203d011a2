/** The engine of a worker, which must be the one whose bits the caller asks for. */
import { cpuEngine, type Engine } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';

/**
 * @param asked name of the engine that the caller has
 * @param what  is computed with it: "scores"
 * @throws MeedError when this worker has another
 */
export function workerEngine(asked: string, what: string): Engine {
  const engine = cpuEngine();
  if (engine.name === asked) return engine;
  throw new MeedError(
    `This worker computes with ${engine.name}, ${what} of ${asked} are asked for`,
    'Install the same version of Meed on both sides',
  );
}
