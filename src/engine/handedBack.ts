/**
 * Which operators of a model a provider leaves to the CPU. ONNX Runtime says only *whether* it did, by refusing to open
 * a session in which that is forbidden; *which* ones is in the profile of a run. So the second is asked only where the
 * first said yes, with a run on zeros, and what is told is what really ran where.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { type Graph, type Precision, sizeOf } from '../graph/index.js';

interface ProfileEvent {
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/** Whether a session refused to open because an operator would run on the CPU. */
export function isFallbackRefusal(message: string): boolean {
  return message.includes('fallback to CPU EP has been explicitly disabled');
}

/** @returns ONNX operator types, sorted, each once; never none, since a session has refused already */
export async function operatorsOnCpu(
  model: Uint8Array,
  graph: Graph,
  precision: Precision,
  options: InferenceSession.SessionOptions,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'meed-profile-'));
  try {
    const session = await InferenceSession.create(model, {
      ...options,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    });
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, { shape }] of graph.inputs) {
      const size = sizeOf(shape);
      feeds[name] = new OrtTensor(
        precision,
        precision === 'float64' ? new Float64Array(size) : new Float32Array(size),
        shape,
      );
    }
    try {
      await session.run(feeds);
      session.endProfiling();
    } finally {
      await session.release();
    }
    const events: ProfileEvent[] = [];
    for (const file of await readdir(folder))
      events.push(...(JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[]));
    const onCpu = events.flatMap(({ args }) =>
      args?.op_name && args.provider === 'CPUExecutionProvider' ? [args.op_name] : [],
    );
    return onCpu.length > 0 ? [...new Set(onCpu)].sort() : ['an operator that the profile does not name'];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
