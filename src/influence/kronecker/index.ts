export { type ChangeOfBasis, openChangeOfBasis } from './changeOfBasis.js';
export { dampedInverse, dampingsOf, meanOf, USUAL_DAMPING } from './damping.js';
export { type EigenvalueKind, eigenForm, type KroneckerCurvature, MOST_SIDE, openKronecker } from './fit.js';
export { type CurvedState, curvatureOf, inverseSource } from './inverse.js';
export { type NeumannOptions, type NeumannProblem, type NeumannSolver, openNeumann } from './neumann.js';
export { curvatureLosses, type FisherTargets, openTargetSampler, type TargetSampler } from './sampledTargets.js';
