/** The methods that can be compared, by their names in the literature. Adding one: its file beside this one, and one line. */
import { MeedError } from '../../foundation/index.js';
import { arnoldi } from './arnoldi.js';
import { astraMethod } from './astra.js';
import { banzhaf } from './banzhaf.js';
import { cgInfluence } from './cgInfluence.js';
import { dataInfMethod } from './dataInf.js';
import { datamodels } from './datamodels.js';
import { dataShapleyTmc } from './dataShapleyTmc.js';
import { ekfacMethod } from './ekfac.js';
import { embeddingSimilarity } from './embeddingSimilarity.js';
import { explicitInfluence } from './explicitInfluence.js';
import { factGrassMethod } from './factGrass.js';
import { gradCosine } from './gradCosine.js';
import { gradDotMethod } from './gradDot.js';
import { inRunMethod } from './inRun.js';
import { inRunSecondOrder } from './inRunSecondOrder.js';
import { kfacMethod } from './kfac.js';
import { kNnShapley } from './kNnShapley.js';
import { leaveOneOut } from './leaveOneOut.js';
import { lissa } from './lissa.js';
import { loGraMethod } from './loGra.js';
import { magicMethod } from './magic.js';
import type { Method } from './method.js';
import { representerPoints } from './representerPoints.js';
import { sourceMethod } from './source.js';
import { spectralSketch } from './spectralSketch.js';
import { tracIn } from './tracIn.js';
import { trak } from './trak.js';
import { trakDual } from './trakDual.js';

export const METHODS: readonly Method[] = [
  gradDotMethod,
  kfacMethod,
  ekfacMethod,
  astraMethod,
  sourceMethod,
  dataInfMethod,
  loGraMethod,
  factGrassMethod,
  gradCosine,
  tracIn,
  trak,
  trakDual,
  spectralSketch,
  inRunMethod,
  magicMethod,
  explicitInfluence,
  leaveOneOut,
  datamodels,
  dataShapleyTmc,
  banzhaf,
  cgInfluence,
  lissa,
  arnoldi,
  embeddingSimilarity,
  representerPoints,
  kNnShapley,
  inRunSecondOrder,
];

/** @throws MeedError that lists the known names */
export function findMethod(name: string): Method {
  const found = METHODS.find((method) => method.name === name);
  if (found) return found;
  throw new MeedError(`There is no method "${name}"`, `Choose one of ${METHODS.map((m) => m.name).join(', ')}`, {
    exitCode: 2,
  });
}
