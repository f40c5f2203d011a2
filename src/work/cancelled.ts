/** The error of work that was asked to stop. It stops between two runs of the engine, never inside one. */
import { MeedError } from '../foundation/index.js';

export class CancelledError extends MeedError {
  constructor(what: string, remedy = 'Run the same command again to finish it') {
    super(`${what} was cancelled`, remedy);
  }
}
