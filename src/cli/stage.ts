/**
 * What every stage of the spine does: it looks for a finished artefact of the same recipe and makes it otherwise, which is
 * all that resumption is. A stage says what its artefact follows from, how it is made, and what is told of it.
 */
import { type Artefact, findCurrent, type Recipe } from '../artefact/index.js';
import type { Progress } from '../foundation/index.js';
import type { Group } from './arguments.js';
import { commandOf, type Run, type StageName } from './run.js';

export interface StageOutcome {
  readonly stage: StageName;
  readonly id: string;
  readonly reused: boolean;
  /** What was made, in a few words. */
  readonly line: string;
  readonly provingSeconds?: number;
}

export interface Stage {
  readonly name: StageName;
  readonly command: string;
  readonly summary: string;
  /** The options that its command takes. */
  readonly options: readonly Group[];
  /** What the command's help says below its options. */
  readonly note?: string;
  run(run: Run, progress: Progress): Promise<StageOutcome>;
}

/** One stage in one folder. */
export interface Plan<Made> {
  readonly recipe: Recipe;
  /** Whether the recipe decides what is made, as it does unless told, or only making it shows whether it changed. */
  readonly decidedBy?: 'recipe' | 'content';
  make(progress: Progress): Promise<Made>;
  /** The artefact as it is read from disk. @param made what `make` gave, when it was made just now */
  result(made: Made | undefined): Promise<{
    readonly artefact: Artefact;
    readonly line: string;
    readonly provingSeconds?: number;
  }>;
}

export function stage<Made>({
  plan,
  ...said
}: Pick<Stage, 'name' | 'summary' | 'options' | 'note'> & {
  /** Reads the stages before, and throws when one is missing. */
  plan(run: Run, progress: Progress): Promise<Plan<Made>>;
}): Stage {
  return {
    ...said,
    command: commandOf(said.name),
    async run(run, progress) {
      const { recipe, decidedBy = 'recipe', make, result } = await plan(run, progress);
      const before = await findCurrent(run.folder(said.name), recipe);
      let made: Made | undefined;
      if (!before || decidedBy === 'content') {
        made = await make(progress);
        run.forget(said.name);
      }
      const { artefact, ...told } = await result(made);
      const { id } = artefact.manifest;
      return { stage: said.name, id, reused: before?.manifest.id === id, ...told };
    },
  };
}
