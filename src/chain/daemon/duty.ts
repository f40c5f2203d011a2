/**
 * One thing that a daemon owes. Duties are derived from the chain after every look at it and never remembered, so what was
 * done, by whomever, is no duty any more, and what a reorganisation undid is one again.
 */
export interface Duty {
  /** The same for the same duty at every look and after a restart: "settle epoch 3". */
  readonly key: string;
  /** The first word of the key, for the metrics. */
  readonly kind: string;
  /** Computing goes on beside everything else; transactions go out one after another. */
  readonly lane: 'computing' | 'sending';
  /** Whoever else has the same may be in front: the name by which all put themselves in one line. */
  readonly turn?: string;
  /** Does it. @returns what was done, as a sentence */
  run(signal: AbortSignal): Promise<string>;
}

/** What is in the way of a duty and is nobody's failure, as openings that were not published. */
export interface Obstacle {
  readonly key: string;
  readonly problem: string;
}

export interface Plan {
  readonly duties: readonly Duty[];
  readonly obstacles: readonly Obstacle[];
}
