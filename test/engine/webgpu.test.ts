/**
 * WebGPU on software Vulkan (SwiftShader, which Debian's and Google's Chromium bring), in a process of its own, so that a
 * driver that crashes fails these tests and no others. Not found: skipped, with the reason printed.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { caseOperators, definedOperators } from '../graph/allOperators.js';
import { operatorCases } from '../graph/operators.js';
import type { CheckedCase } from './support/operatorCheck.js';
import { randomBroadcasts } from './support/randomBroadcasts.js';
import { askChild, type ChildAnswers, swiftshaderEnvironment } from './support/swiftshader.js';

const TOLERANCE = 2e-5;
/** WGSL (15.7.4, accuracy of built-in functions) asks no more of these two. */
const TRIGONOMETRIC = 2 ** -11;

/** Cases that strict WebGPU refuses, with what ONNX Runtime hands back to the CPU and why no other form was found. */
const STAYS_ON_CPU: Readonly<Record<string, { readonly handedBack: readonly string[]; readonly because: string }>> = {};

const environment = swiftshaderEnvironment();
if (!environment) process.stderr.write('WebGPU is not tested: no Chromium with SwiftShader found (CHROME_PATH)\n');

describe.skipIf(!environment)('WebGPU on SwiftShader', () => {
  let said: ChildAnswers;
  const answer = <T>(key: string): T => said.answer(key);

  beforeAll(async () => {
    said = await askChild('./webgpuChild.ts', environment ?? {});
  });

  it('is named with its adapter, which is known to be software', () => {
    expect(answer('name')).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ webgpu \(.*SwiftShader.*, software\)$/);
  });

  for (const { name } of [...operatorCases, ...randomBroadcasts()]) {
    it(`${name}: value and gradients`, () => {
      const checked = answer<CheckedCase>(`case ${name}`);
      expect(checked).not.toHaveProperty('failed');
      expect(checked.error).toBeLessThan(/^(Sin|Cos)$/.test(name) ? TRIGONOMETRIC : TOLERANCE);
    });
  }

  it('takes every case but those that are listed, and every operator has a case', () => {
    const refused = operatorCases.flatMap(({ name }) => {
      const { handedBack } = answer<CheckedCase>(`case ${name}`);
      return handedBack.length > 0 ? [[name, handedBack]] : [];
    });
    const listed = Object.entries(STAYS_ON_CPU).map(([name, { handedBack }]) => [name, handedBack]);
    expect(Object.fromEntries(refused)).toEqual(Object.fromEntries(listed));
    expect(caseOperators()).toEqual(definedOperators());
  });

  it('feeds kept outputs back thousands of times without growing', () => {
    const { value, sum, expected, memory } = answer<{ value: number; sum: number; expected: number; memory: number[] }>(
      'feedback',
    );
    expect(Math.abs(value / expected - 1)).toBeLessThan(1e-3);
    expect(Math.abs(sum / (64 * expected) - 1)).toBeLessThan(1e-3);
    // 2,000 undisposed outputs would be more: WebGPU's smallest buffer with its bookkeeping is above 10 kB.
    expect(memory[2] - memory[0]).toBeLessThan(20e6);
  });

  it('refuses a tensor after its disposal, and keeps what shares its memory', () => {
    expect(answer('read after dispose')).toMatch(/\[64\] on webgpu was disposed of/);
    expect(answer('feed after dispose')).toMatch(/disposed of and is used again/);
    expect(answer('shared memory outlives')).toBe(true);
    expect(answer('outlives its program')).toBe(2);
  });

  it('refuses a device tensor on the CPU, and misshapen feeds', () => {
    expect(answer('fed to the CPU')).toMatch(/"x3" was given a tensor that is on webgpu/);
    expect(answer('misshapen')).toMatch(/"a" has the shape \[3,70\], it was given \[70,3\]/);
    expect(answer('too short')).toMatch(/\[3,70\] was given 9 numbers/);
  });

  it('lists what it leaves to the CPU, computes it rightly, and refuses it when strict', () => {
    const { operators, told, y } = answer<{ operators: string[]; told: string[][]; y: number[] }>('handed back');
    expect(operators).toEqual(['Sign']);
    expect(told.at(-1)).toEqual(['Sign']);
    expect(y).toEqual([-3, 4, 0, 2]);
    expect(answer('strict')).toMatch(/webgpu leaves to the CPU: Sign\. Run without --strict-device/);
  });

  it('has no float64: the CPU computes it, said and refused likewise', () => {
    expect(answer('float64')).toEqual({ operators: ['Add', 'Sign'], y: [-3, 4, 0, 1 + 1e-12] });
    expect(answer('strict float64')).toMatch(/Add, Sign/);
  });

  it('is not what auto takes, being software', () => {
    expect(answer('auto')).toBe('cpu');
    expect(answer('end')).toBe(true);
    expect(said.child.code).toBe(0);
  });
});
