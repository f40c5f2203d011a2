export { type GradientChunk, type GradientRows, openGradientRows } from './gradientRows.js';
