/**
 * A process that proves, seen from who asks it: one statement after the other. One that dies is replaced and its statement
 * is proven again, since a proof has no effect before it is given; a statement whose process dies every time is refused.
 * The traps: a process that is gone is noticed late, at the next message or after it; one that does not stop when it is
 * asked to must be ended, or an interrupt would wait for a proof; and it ends with its owner, however that ends, because it
 * leaves when nobody is connected.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { MeedError } from '../../foundation/index.js';
import { CancelledError, errorOf, threadStart } from '../../work/index.js';
import type { ProveInput, Proven } from '../prove.task.js';
import type { ProverAnswer, ProverRequest, ProverSettings } from '../proverProcess.js';

/** How often a statement is begun before it is given up. */
const ATTEMPTS = 3;
/** A prover looks between stages of a proof; this is longer than any of them. */
const STOP_MS = 10_000;
const LEAVE_MS = 5_000;

type Ending = { readonly ended: string };

export class ProverClient {
  readonly #settings: ProverSettings;
  #child: ChildProcess | undefined;
  #cancelled = false;
  #disposed = false;
  #stopping: NodeJS.Timeout | undefined;
  /** Largest memory of any of its processes so far, in bytes. */
  peakBytes = 0;

  constructor(settings: ProverSettings = {}) {
    this.#settings = settings;
  }

  /** @throws MeedError as the prover refuses, or when its processes die; CancelledError after `cancel` */
  async prove(input: ProveInput): Promise<Proven> {
    this.#cancelled = false;
    try {
      const ended: string[] = [];
      while (ended.length < ATTEMPTS) {
        const answer = await this.#ask({ prove: input, settings: this.#settings });
        if (this.#cancelled || this.#disposed) throw new CancelledError('The proving');
        if (!('ended' in answer)) return this.#take(answer);
        ended.push(answer.ended);
      }
      throw new MeedError(
        `The prover's process ended ${ATTEMPTS} times before it gave the proof (${ended.join(', ')})`,
        'Give fewer --workers or more memory, which is what a system kills processes for, and prove again',
      );
    } finally {
      clearTimeout(this.#stopping);
    }
  }

  /** Asks the proof that is being made to stop, and ends the process when it does not. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    const request: ProverRequest = 'cancel';
    // a process that is gone needs no cancelling
    this.#child?.send(request, () => {});
    const child = this.#child;
    this.#stopping = setTimeout(() => child?.kill('SIGKILL'), STOP_MS);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const child = this.#child;
    if (!child || isGone(child)) return;
    const ended = once(child, 'exit');
    // it leaves when nobody is connected
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS);
    await ended;
    clearTimeout(timer);
  }

  #take(answer: ProverAnswer): Proven {
    this.peakBytes = Math.max(this.peakBytes, answer.peakBytes);
    if ('proven' in answer) return answer.proven;
    throw errorOf(answer.failure, 'The proving');
  }

  async #ask(request: ProverRequest): Promise<ProverAnswer | Ending> {
    if (this.#child?.connected) {
      const answer = await answerOf(this.#child, request);
      // it had died before, and nobody had noticed: that is no attempt
      if (answer !== 'unreachable') return answer;
    }
    this.#child = startProcess();
    const answer = await answerOf(this.#child, request);
    return answer === 'unreachable' ? { ended: 'unreachable' } : answer;
  }
}

function startProcess(): ChildProcess {
  const { filename, execArgv } = threadStart(import.meta.url, '../proverProcess.js');
  return fork(filename, { execArgv, serialization: 'advanced' });
}

function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** @throws Error when the process cannot be started */
async function answerOf(child: ChildProcess, request: ProverRequest): Promise<ProverAnswer | Ending | 'unreachable'> {
  const heard = new AbortController();
  const { signal } = heard;
  try {
    return await Promise.race([
      // rejects when the process tells an error, such as that it could not be started
      once(child, 'message', { signal }).then(([answer]: ProverAnswer[]) => answer),
      once(child, 'exit', { signal }).then(([status, killedBy]: (number | string | null)[]) => ({
        ended: killedBy === null ? `status ${status}` : String(killedBy),
      })),
      new Promise<'unreachable'>((resolve) => {
        child.send(request, (error) => error && resolve('unreachable'));
      }),
    ]);
  } finally {
    heard.abort();
  }
}
