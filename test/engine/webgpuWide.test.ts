/** A strict WebGPU (software Vulkan, as in webgpu.test.ts) where its kernels work in vectors, tiles and groups. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { CheckedCase } from './support/operatorCheck.js';
import { type ChildResult, runChild, swiftshaderEnvironment } from './support/swiftshader.js';
import { wideCases } from './support/wideShapes.js';

/** Of an output's largest entry. */
const TOLERANCE = 5e-6;

const environment = swiftshaderEnvironment();

describe.skipIf(!environment)('strict WebGPU in vectors, tiles and groups:', () => {
  const answers = new Map<string, CheckedCase>();
  let child: ChildResult;

  beforeAll(async () => {
    child = await runChild('./webgpuWideChild.ts', environment ?? {});
    for (const line of child.stdout.split('\n').filter((text) => text.startsWith('{'))) {
      const { key, value } = JSON.parse(line) as { key: string; value: CheckedCase };
      answers.set(key, value);
    }
  });

  for (const { name } of wideCases) {
    it(`${name}, value and gradients`, () => {
      const checked = answers.get(name);
      if (!checked) throw new Error(`the process ended with ${child.code} before: ${child.stderr}`);
      expect(checked).not.toHaveProperty('failed');
      expect(checked.share).toBeLessThan(TOLERANCE);
    });
  }

  it('has nothing more to say', () => {
    expect(answers.size).toBe(wideCases.length);
    expect(child.code).toBe(0);
  });
});
