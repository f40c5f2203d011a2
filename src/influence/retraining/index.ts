export { banzhafOfSamples, exactBanzhaf, exactBanzhafOf, halfCoalitions } from './banzhaf.js';
export { allCoalitions, type Coalition, type Game, MOST_EXACT, remembering } from './game.js';
export {
  type RetrainingOptions,
  retrainingGame,
  rowsOfGroups,
  type Trainings,
  trainedLosses,
} from './retrainingGame.js';
export { type Datamodels, PENALTIES, ridgeDatamodels } from './ridgeDatamodel.js';
export { exactShapley, exactShapleyOf, type PermutationSampling, type Shares, sampledShapley } from './shapley.js';
