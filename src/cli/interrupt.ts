/**
 * Ctrl-C in two steps. The first interrupt asks the work to end in order, the second to end as soon as it can, a third
 * ends the process. The trap: ending the process while a thread is inside ONNX Runtime aborts it with a core dump, so
 * the third is the last resort.
 */
export interface Interrupts {
  /** After the first SIGINT or SIGTERM. */
  readonly first: AbortSignal;
  /** After the second. */
  readonly second: AbortSignal;
  /** Gives the signals back to the process. */
  dispose(): void;
}

const KILLED_BY_SIGINT = 130;

export function listenForInterrupts(): Interrupts {
  const steps = [new AbortController(), new AbortController()];
  const step = (): void => {
    const next = steps.find(({ signal }) => !signal.aborted);
    if (next) next.abort();
    else process.exit(KILLED_BY_SIGINT);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, step);
  return {
    first: steps[0].signal,
    second: steps[1].signal,
    dispose() {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, step);
    },
  };
}
