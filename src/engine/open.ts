/**
 * Opens the engine and device that were asked for, and no other. A device is there when a small program gives the right
 * numbers on it with fallback to the CPU forbidden; anything less is an error that says what is missing. `auto` takes
 * CUDA, else WebGPU on hardware, else the CPU: software Vulkan is slower than the CPU's own provider, and what the adapter
 * is must be known.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MeedError, messageOf } from '../foundation/index.js';
import { add, GraphBuilder } from '../graph/index.js';
import { type Adapter, webgpuAdapter } from './adapter.js';
import type { DeviceKind, Engine } from './engine.js';
import { cudaAdapter } from './nvidia.js';
import { type RuntimeOptions, runtimeEngine, type Strictness } from './onnxruntime.js';
import { tfjsEngine } from './tfjs.js';

export const ENGINE_KINDS = ['onnxruntime', 'tfjs'] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

export const DEVICE_CHOICES = ['auto', 'cpu', 'cuda', 'webgpu'] as const;
export type DeviceChoice = (typeof DEVICE_CHOICES)[number];

export interface EngineOptions {
  readonly engine: EngineKind;
  readonly device: DeviceChoice;
  /** Threads of one operator. */
  readonly threads: number;
  /** `strict` refuses programs of which the device leaves operators to the CPU. */
  readonly strict: Strictness;
  readonly onHandedBack?: RuntimeOptions['onHandedBack'];
}

/** @throws MeedError when the engine's package or the device is not there */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  if (options.engine === 'tfjs') return tfjsEngine(options.device);
  const { device } = options;
  if (device !== 'auto') return openDevice(device, options);
  if (existsSync(cudaLibrary()) && (await cudaAdapter()) !== undefined) return openDevice('cuda', options);
  if ((await webgpuAdapter())?.kind === 'hardware') return openDevice('webgpu', options);
  return openDevice('cpu', options);
}

async function openDevice(device: DeviceKind, options: EngineOptions): Promise<Engine> {
  const { threads, strict, onHandedBack } = options;
  if (device === 'cpu') return runtimeEngine({ device, threads, strict });
  const adapter = await adapterOfDevice(device);
  const engine = runtimeEngine({ device, threads, strict, adapter: `${adapter.name}, ${adapter.kind}`, onHandedBack });
  try {
    await proveItComputes(runtimeEngine({ device, threads, strict: 'strict' }));
  } catch (error) {
    throw new MeedError(
      `The device ${device} cannot be used: ${firstLine(messageOf(error))}`,
      device === 'cuda'
        ? "Install NVIDIA's driver, CUDA 12 and cuDNN 9 so that the loader finds their libraries, or choose --device cpu"
        : "Install the Vulkan loader and a driver for this GPU (Debian: libvulkan1 and mesa-vulkan-drivers, or the vendor's), or choose --device cpu",
      { cause: error },
    );
  }
  return engine;
}

/** What the device is called. @throws MeedError when what it needs is not installed */
export async function adapterOfDevice(device: Exclude<DeviceKind, 'cpu'>): Promise<Adapter> {
  if (device === 'webgpu') {
    const adapter = await webgpuAdapter();
    if (adapter) return adapter;
    throw new MeedError(
      'The device webgpu is not there: no Vulkan driver is installed',
      "Install the Vulkan loader and a driver (Debian: libvulkan1 and mesa-vulkan-drivers, or the vendor's; VK_DRIVER_FILES may name one), or choose --device cpu",
    );
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new MeedError(
      `The device cuda is not there: onnxruntime-node has no CUDA provider for ${process.platform} on ${process.arch}`,
      'Choose --device webgpu or --device cpu',
    );
  }
  if (!existsSync(cudaLibrary())) {
    throw new MeedError(
      "The device cuda is not there: ONNX Runtime's CUDA libraries are not installed (.npmrc says onnxruntime-node-install=skip)",
      'Run `ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node`, which downloads them, or choose --device cpu',
    );
  }
  const adapter = await cudaAdapter();
  if (adapter) return adapter;
  throw new MeedError(
    'The device cuda is not there: no NVIDIA GPU answers',
    "Install NVIDIA's driver, or choose --device cpu",
  );
}

function cudaLibrary(): string {
  const library = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(dirname(library), '../bin/napi-v6', process.platform, process.arch);
  return join(folder, 'libonnxruntime_providers_cuda.so');
}

/** @throws Error when the device cannot add, or lets the CPU do it */
async function proveItComputes(engine: Engine): Promise<void> {
  const g = new GraphBuilder();
  const x = g.input('x', [4]);
  const program = await engine.compile(g.build({ y: add(g, x, x) }));
  const { y } = await program.run({ x: { shape: [4], data: Float32Array.of(1, -2, 0.5, 3) } });
  await program.dispose();
  if (y.data.join() !== '2,-4,1,6') throw new Error(`it gave [${y.data}] for twice [1,-2,0.5,3]`);
}

function firstLine(message: string): string {
  // ORT's messages begin with the C++ file and function and end with what went wrong.
  const line = message.trim().split('\n')[0];
  return line.replace(/^.* was false\. /, '').replace(/\.$/, '');
}
