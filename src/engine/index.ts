export type { Adapter } from './adapter.js';
export { type DeviceReport, PRODUCT, probeDevice, probeTfjs } from './devices.js';
export { type EncodedGraph, encodeGraph } from './encodedGraph.js';
export type {
  CompileOptions,
  DeviceKind,
  DeviceTensor,
  Engine,
  Feed,
  Numbers,
  Program,
  Tensor,
  Waiting,
} from './engine.js';
export { type CpuOptions, cpuEngine, openEncoded, type Strictness } from './onnxruntime.js';
export {
  DEVICE_CHOICES,
  type DeviceChoice,
  ENGINE_KINDS,
  type EngineKind,
  type EngineOptions,
  openEngine,
} from './open.js';
