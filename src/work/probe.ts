/** Sends bytes through every slot of a pool and compares what comes back: whether the pool works, before it is used. */
import { MeedError, Random, sha256Bytes } from '../foundation/index.js';
import { runMap } from './map.js';
import type { Pool } from './pool.js';
import probe from './probe.task.js';

/** Large enough to be sent apart from its job's record. */
const BYTES = 100_000;

/**
 * @returns seconds that the round trip took
 * @throws MeedError when the pool cannot run jobs or changes what it carries
 */
export async function probePool(pool: Pool, signal?: AbortSignal): Promise<number> {
  const begun = performance.now();
  const random = new Random(Date.now());
  const inputs = Array.from({ length: Math.min(pool.slots, 64) }, () => ({
    bytes: Uint8Array.from({ length: BYTES }, () => random.below(256)),
  }));
  const outputs = await runMap(probe, inputs, { where: pool, signal });
  for (const [i, { hash }] of outputs.entries()) {
    if (sha256Bytes(inputs[i].bytes).some((byte, k) => byte !== hash[k])) {
      throw new MeedError(
        `${pool.name} gave another hash of ${BYTES} bytes`,
        'Check memory and network of the machine',
      );
    }
  }
  return (performance.now() - begun) / 1000;
}
