/** The tasks that `meed worker` serves: every `*.task.ts` of the layers below, by name. A new task is one line here. */
import { type Registry, registry } from '../work/index.js';

export const tasks: Registry = registry(import.meta.url, {
  'work.probe': '../work/probe.task.js',
  'models.retrain': '../models/retrain.task.js',
  'influence.score-block': '../influence/scoreBlock.task.js',
  'influence.magic-block': '../influence/magic/magicBlock.task.js',
  'prover.prove': '../prover/prove.task.js',
});
