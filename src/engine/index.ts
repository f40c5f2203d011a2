export type { CompileOptions, DeviceKind, DeviceTensor, Engine, Feed, Numbers, Program, Tensor } from './engine.js';
export { type CpuOptions, cpuEngine } from './onnxruntime.js';
