/**
 * Which tensors still stand on a device, so that no session is released under them. The trap, measured: WebGPU's buffers
 * belong to the session that made them (an output that shares its input's memory, to the input's), and freeing one after
 * its session was released ends the process. So sessions are released when
 * the engine has no tensor there, at the latest by the next program that is opened or disposed of after that.
 */
import type { InferenceSession } from 'onnxruntime-node';

export class Residents {
  #count = 0;
  #waiting: InferenceSession[] = [];

  arrive(): void {
    this.#count++;
  }

  leave(): void {
    this.#count--;
  }

  /** Gives a session over, to be released when no tensor stands on the device. */
  giveUp(session: InferenceSession): void {
    this.#waiting.push(session);
  }

  /** Releases what may be released now. */
  async release(): Promise<void> {
    if (this.#count > 0) return;
    const sessions = this.#waiting;
    this.#waiting = [];
    for (const session of sessions) await session.release();
  }
}
