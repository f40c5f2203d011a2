export { type Encoder, openEncoder, type Projection } from './encoder.js';
export { type EncodedState, fisherScores, momentsOf } from './fisher.js';
export { drawSketch, type Sketch, sketchWidth } from './masks.js';
