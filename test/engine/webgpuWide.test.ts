/** A strict WebGPU (software Vulkan, as in webgpu.test.ts) where its kernels work in vectors, tiles and groups. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { CheckedCase } from './support/operatorCheck.js';
import { askChild, type ChildAnswers, swiftshaderEnvironment } from './support/swiftshader.js';
import { wideCases } from './support/wideShapes.js';

/** Of an output's largest entry. */
const TOLERANCE = 5e-6;

const environment = swiftshaderEnvironment();

describe.skipIf(!environment)('strict WebGPU in vectors, tiles and groups:', () => {
  let said: ChildAnswers;

  beforeAll(async () => {
    said = await askChild('./webgpuWideChild.ts', environment ?? {});
  });

  for (const { name } of wideCases) {
    it(`${name}, value and gradients`, () => {
      const checked = said.answer<CheckedCase>(name);
      expect(checked).not.toHaveProperty('failed');
      expect(checked.share).toBeLessThan(TOLERANCE);
    });
  }

  it('has nothing more to say', () => {
    expect(said.count).toBe(wideCases.length);
    expect(said.child.code).toBe(0);
  });
});
