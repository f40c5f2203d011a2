/**
 * The name of a setting: a hash of everything that decides its figures, so that a finished cell is found again by the run
 * that would make the same one, and by no other.
 */
import { type JsonObject, sha256, sha256Json } from '../../../foundation/index.js';
import type { Samples } from '../../../models/index.js';
import type { Setting } from '../measures/index.js';

export function settingFingerprint({
  model,
  samples,
  recipe,
  evaluation,
  heldOut,
  calibration,
  subsets,
  runs,
  sizes,
  seed,
  engine,
}: Setting): string {
  const { clip, optimiser, schedule, ...training } = recipe;
  return sha256Json({
    engine: engine.name,
    model: model.definition,
    recipe: {
      ...training,
      optimiser: { ...optimiser },
      schedule: { ...schedule },
      ...(clip !== undefined && { clip }),
    },
    samples: samplesName(samples),
    evaluation: samplesName(evaluation),
    heldOut: samplesName(heldOut),
    ...(calibration && { calibration: samplesName(calibration) }),
    subsets: { ...subsets },
    runs: { ...runs },
    sizes: { ...sizes },
    seed,
  });
}

function samplesName({ rows, width, features, targets }: Samples): JsonObject {
  const hash = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): string =>
    sha256(new Uint8Array(buffer, byteOffset, byteLength));
  return { rows, width, features: hash(features), targets: `${targets.constructor.name} ${hash(targets)}` };
}
