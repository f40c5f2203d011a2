/**
 * A method of one state, averaged over several states of each run. What a sample did to a model it did along the whole
 * training, and the trained weights remember only the end of it: averaged states predict retrainings better (bench/
 * attribution.ts measures by how much), at the price of one method for each. Each state stands as a run of its own, so the
 * method must be one that averages over runs and looks at nothing of a run but the state.
 */
import type { Tensor } from '../../engine/index.js';
import type { Attribution, Method, Settings, TrainedRun } from './method.js';
import { LAST, statesAtEpochs } from './runStates.js';

/**
 * @param method one with the setting `epoch`
 * @param epochs of the states when nothing else is told, as "1,2,5"
 */
export function overStates(method: Method, epochs: string): Method {
  const { epoch: _, ...rest } = method.defaults;
  const ofState = ({ epochs: __, ...settings }: Settings): Settings => ({ ...settings, epoch: LAST });
  const { sweep } = method;
  return {
    ...method,
    name: `${method.name} (checkpoints)`,
    needs: [...new Set([...method.needs, 'checkpoints' as const])],
    defaults: { ...rest, epochs },
    open: (attribution, settings, options) =>
      method.open(eachState(attribution, settings.epochs), ofState(settings), options),
    ...(sweep && {
      async *sweep(attribution, settings, outputs, options) {
        const alike = new Map<string, Promise<Tensor[]>>();
        for (const one of settings) {
          const key = String(one.epochs);
          const group = settings.filter(({ epochs: other }) => String(other) === key);
          const scores =
            alike.get(key) ?? all(sweep(eachState(attribution, key), group.map(ofState), outputs, options));
          alike.set(key, scores);
          yield (await scores)[group.indexOf(one)];
        }
      },
    }),
  };
}

/** Every state as the end of a run. @throws MeedError when a run has no such state */
function eachState(attribution: Attribution, epochs: number | string): Attribution {
  const runs = attribution.runs.flatMap((run) =>
    statesAtEpochs({ ...attribution, runs: [run] }, epochs).map((state): TrainedRun => ({ ...run, states: [state] })),
  );
  return { ...attribution, runs: [runs[0], ...runs.slice(1)] };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
