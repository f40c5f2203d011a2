import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adapterOf, driverLibrary, manifestsAt, parseVulkaninfo } from '../../src/engine/adapter.js';
import { PRODUCT, productError, TOLERANCE } from '../../src/engine/devices.js';
import { cpuEngine, openEngine, probeDevice } from '../../src/engine/index.js';
import { parseNvidiaSmi } from '../../src/engine/nvidia.js';
import { Random } from '../../src/foundation/index.js';
import { GraphBuilder, matmul } from '../../src/graph/index.js';
import { runChild, swiftshaderEnvironment } from './support/swiftshader.js';

const VULKANINFO = `
GPU0:
	apiVersion         = 1.3.255
	deviceType         = PHYSICAL_DEVICE_TYPE_CPU
	deviceName         = llvmpipe (LLVM 15.0.6, 256 bits)
	driverID           = DRIVER_ID_MESA_LLVMPIPE
GPU1:
	deviceType         = PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU
	deviceName         = Intel(R) UHD Graphics 620 (KBL GT2)
`;

describe('the adapter behind WebGPU', () => {
  it.each([
    ['software alone', ['libvk_swiftshader.so'], [], 'SwiftShader', 'software'],
    [
      'Mesa without any GPU',
      ['libvulkan_intel.so', 'libvulkan_radeon.so', 'libvulkan_lvp.so'],
      [],
      'llvmpipe',
      'software',
    ],
    ['Mesa on Intel', ['libvulkan_lvp.so', 'libvulkan_intel.so'], ['0x8086'], 'Intel', 'hardware'],
    ['NVIDIA in a container', ['libGLX_nvidia.so.0'], ['0x10de'], 'NVIDIA', 'hardware'],
    ["NVIDIA's driver without its GPU", ['libGLX_nvidia.so.0'], ['0x8086'], 'libGLX_nvidia.so.0', 'unknown'],
    [
      'a driver nobody knows',
      ['libvulkan_new.so', 'libvulkan_lvp.so'],
      [],
      'libvulkan_new.so, libvulkan_lvp.so',
      'unknown',
    ],
  ] as const)('%s', (_, libraries, vendors, name, kind) => {
    expect(adapterOf(libraries, vendors)).toEqual({ name, kind });
  });

  it('is read from manifests, named one by one or by their folder; one that cannot be read is told by its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meed-icd-'));
    const [good, unreadable] = [join(folder, 'a.json'), join(folder, 'b.json')];
    await writeFile(good, '{ "ICD": { "library_path": "../libvulkan_lvp.so" } }');
    await mkdir(unreadable);
    await writeFile(join(folder, 'readme.txt'), '');
    expect(manifestsAt([folder]).sort()).toEqual([good, unreadable]);
    expect(manifestsAt([good, join(folder, 'none.json')])).toEqual([good]);
    expect([good, unreadable].map(driverLibrary)).toEqual(['libvulkan_lvp.so', 'b.json']);
    await rm(folder, { recursive: true });
  });

  it('is the fastest that vulkaninfo lists', () => {
    expect(parseVulkaninfo(VULKANINFO)).toEqual({ name: 'Intel(R) UHD Graphics 620 (KBL GT2)', kind: 'hardware' });
    const [, cpu] = VULKANINFO.split(/GPU\d:/);
    expect(parseVulkaninfo(cpu)?.kind).toBe('software');
    expect(parseVulkaninfo('ERROR: no driver')).toBeUndefined();
  });

  it("is read from NVIDIA's own list with its memory", () => {
    expect(parseNvidiaSmi('NVIDIA H200, 143771\nNVIDIA H200, 143771\n')).toEqual({
      name: 'NVIDIA H200',
      kind: 'hardware',
      memoryBytes: 143771 * 2 ** 20,
    });
    expect(parseNvidiaSmi('No devices were found\n')).toBeUndefined();
  });
});

describe('a device', () => {
  it('that is missing is a sentence, and never another device', async () => {
    const environment = { VK_DRIVER_FILES: '/nowhere.json', PATH: '' };
    for (const device of ['webgpu', 'cuda'] as const) {
      const { stdout } = await runChild('./openChild.ts', environment, [device]);
      const said = JSON.parse(stdout) as { opened?: string; problem?: string };
      expect(said.opened).toBeUndefined();
      expect(said.problem).toMatch(
        new RegExp(`The device ${device} is not there: .+\\. (Install|Run|Choose) .+--device cpu\\.`),
      );
    }
    const { stdout } = await runChild('./openChild.ts', environment, ['auto']);
    expect(JSON.parse(stdout)).toMatchObject({ opened: 'cpu' });
  });

  it.skipIf(!swiftshaderEnvironment())('whose driver is named and cannot be loaded is a sentence too', async () => {
    const broken = { ...swiftshaderEnvironment(), LD_LIBRARY_PATH: '', VK_LOADER_DRIVERS_DISABLE: '*' };
    const { stdout } = await runChild('./openChild.ts', broken, ['webgpu']);
    expect(JSON.parse(stdout).problem).toMatch(/The device webgpu cannot be used: .+ Install the Vulkan loader/);
  });

  it('is reported with a product that was checked, and its memory', async () => {
    const report = await probeDevice('cpu');
    expect(report.missing).toBeUndefined();
    expect(report.gflops).toBeGreaterThan(0.1);
    expect(report.memoryBytes).toBeGreaterThan(2 ** 28);
  });

  it('that rounds to half precision, or loses one entry, is found out', async () => {
    const random = new Random(8);
    const shape = [PRODUCT, PRODUCT];
    const matrix = () => ({ shape, data: Float32Array.from({ length: PRODUCT ** 2 }, () => random.uniform() - 0.5) });
    const [a, b] = [matrix(), matrix()];
    const g = new GraphBuilder();
    const program = await cpuEngine().compile(g.build({ c: matmul(g, g.input('a', shape), g.input('b', shape)) }));
    const { c } = await program.run({ a, b });
    expect(productError(a.data, b.data, c.data, random)).toBeLessThan(TOLERANCE);
    const rough = (data: Float32Array) => data.map((value) => Math.round(value * 2 ** 11) / 2 ** 11);
    const rounded = await program.run({ a: { shape, data: rough(a.data) }, b: { shape, data: rough(b.data) } });
    expect(productError(a.data, b.data, rounded.c.data, random)).toBeGreaterThan(TOLERANCE);
    const lost = c.data.slice();
    lost[12345] = 0;
    expect(productError(a.data, b.data, lost, random)).toBeGreaterThan(TOLERANCE);
    expect(productError(a.data, b.data, lost.fill(Number.NaN), random)).toBeNaN();
    await program.dispose();
  });

  it('called cpu is the CPU, with as many threads as asked for', async () => {
    const engine = await openEngine({ engine: 'onnxruntime', device: 'cpu', threads: 2, strict: 'strict' });
    expect(engine.name).toBe(cpuEngine().name);
    expect(engine.device).toBe('cpu');
  });
});
