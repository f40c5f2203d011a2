/**
 * How long work tells of itself. A stage receives a `Progress` and reports (done, total, what); the command line draws
 * it with rate and time left, tests and libraries pass `silent`. Layers below the command line never print.
 */
export type Progress = (done: number, total: number, what: string) => void;

export const silent: Progress = () => {};
