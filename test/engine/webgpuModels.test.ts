/**
 * Models whole on a strict WebGPU (software Vulkan, as in webgpu.test.ts): prediction, training steps, factors and products
 * of gradients, nothing handed back to the CPU, against the float64 interpreter.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { modelGraphs, smallModels } from './support/smallModels.js';
import { askChild, type ChildAnswers, swiftshaderEnvironment } from './support/swiftshader.js';

/** Of an output's largest entry. */
const TOLERANCE = 2e-5;

interface Trained {
  readonly losses: readonly number[];
  readonly devices: readonly string[];
  readonly weights: readonly number[];
}

const environment = swiftshaderEnvironment();

describe.skipIf(!environment)('strict WebGPU takes', () => {
  let said: ChildAnswers;
  const answer = <T>(key: string): T => said.answer(key);

  beforeAll(async () => {
    said = await askChild('./webgpuModelsChild.ts', environment ?? {});
  });

  for (const { name } of smallModels.flatMap(modelGraphs)) {
    it(name, () => {
      const checked = answer<{ error: number }>(name);
      expect(checked).not.toHaveProperty('failed');
      expect(checked.error).toBeLessThan(TOLERANCE);
    });
  }

  it('a training whose weights never leave the device, with the same bits as by way of the host', () => {
    const onDevice = answer<Trained>('trained device');
    expect(onDevice.devices).toEqual(['webgpu', 'webgpu']);
    expect(answer('trained host')).toEqual(onDevice);
    const exact = answer<Trained>('trained exactly');
    expect(new Set(exact.losses).size).toBe(exact.losses.length);
    for (const [step, loss] of exact.losses.entries()) expect(onDevice.losses[step]).toBeCloseTo(loss, 4);
    const largest = Math.max(...exact.weights.map(Math.abs));
    for (const [i, weight] of exact.weights.entries())
      expect(Math.abs(onDevice.weights[i] - weight)).toBeLessThan(1e-3 * largest);
  });

  it('a training as the stages run it, which publishes the states that the CPU publishes', () => {
    expect(answer('training')).toBeLessThan(TOLERANCE);
  });

  it("an explanation's factors and gradient kernel, as a perceptron written in loops gives it", () => {
    expect(answer('kernel')).toBeLessThan(TOLERANCE);
    expect(answer('end')).toBe(true);
    expect(said.child.code).toBe(0);
  });
});
