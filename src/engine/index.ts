export type { Engine, Program, Tensor } from './engine.js';
export { type CpuOptions, cpuEngine } from './onnxruntime.js';
