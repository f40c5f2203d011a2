/**
 * What stands behind WebGPU on this machine. ONNX Runtime does not say, so the Vulkan drivers do: `vulkaninfo` where it is
 * installed, else the manifests that Vulkan's loader reads (LoaderInterfaceArchitecture.md: VK_DRIVER_FILES, VK_ICD_FILENAMES,
 * icd.d below the data folders) together with the graphics devices that the kernel lists. Dawn, asked for the fastest adapter
 * as ONNX Runtime asks it, takes a software one only where there is no other. What cannot be known is called unknown.
 * The trap: distributions install drivers for hardware that is not there, so a manifest alone proves nothing.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export interface Adapter {
  readonly name: string;
  readonly kind: 'hardware' | 'software' | 'unknown';
}

/** Part of a driver library's name, what it is called, and the PCI vendor of the devices that it drives. */
const DRIVERS: readonly (readonly [part: string, name: string, vendor: string | 'software'])[] = [
  ['swiftshader', 'SwiftShader', 'software'],
  ['lvp', 'llvmpipe', 'software'],
  ['nvidia', 'NVIDIA', '0x10de'],
  ['nouveau', 'NVIDIA (nouveau)', '0x10de'],
  ['radeon', 'AMD', '0x1002'],
  ['amdvlk', 'AMD', '0x1002'],
  ['intel', 'Intel', '0x8086'],
  ['virtio', 'virtio', '0x1af4'],
];

const VULKANINFO_MS = 10_000;

/** @returns `undefined` where no driver is installed */
export async function webgpuAdapter(): Promise<Adapter | undefined> {
  if (process.platform === 'darwin') return { name: 'Metal', kind: 'hardware' };
  if (process.platform === 'win32') return { name: 'Direct3D 12', kind: 'unknown' };
  const manifests = driverManifests();
  if (manifests.length === 0) return undefined;
  return (await fromVulkaninfo()) ?? adapterOf(manifests.map(driverLibrary), pciVendors());
}

/**
 * @param libraries file names of the installed Vulkan drivers
 * @param vendors   PCI vendors of the graphics devices that are there, e.g. "0x10de"
 */
export function adapterOf(libraries: readonly string[], vendors: readonly string[]): Adapter {
  const known = libraries.map((library) => DRIVERS.find(([part]) => library.toLowerCase().includes(part)));
  const hardware = known.find((driver) => driver && vendors.includes(driver[2]));
  if (hardware) return { name: hardware[1], kind: 'hardware' };
  const software = known.find((driver) => driver?.[2] === 'software');
  const others = known.filter((driver) => driver?.[2] !== 'software');
  if (software && others.every((driver) => driver !== undefined)) return { name: software[1], kind: 'software' };
  return { name: libraries.join(', '), kind: 'unknown' };
}

/** @param text what `vulkaninfo --summary` printed */
export function parseVulkaninfo(text: string): Adapter | undefined {
  const devices = [...text.matchAll(/deviceType\s*=\s*PHYSICAL_DEVICE_TYPE_(\w+)\s+deviceName\s*=\s*(.+)/g)];
  const best =
    devices.find(([, type]) => type === 'DISCRETE_GPU') ?? devices.find(([, type]) => type !== 'CPU') ?? devices[0];
  if (!best) return undefined;
  const kinds: Readonly<Record<string, Adapter['kind']>> = {
    CPU: 'software',
    DISCRETE_GPU: 'hardware',
    INTEGRATED_GPU: 'hardware',
  };
  return { name: best[2].trim(), kind: kinds[best[1]] ?? 'unknown' };
}

async function fromVulkaninfo(): Promise<Adapter | undefined> {
  try {
    const { stdout } = await promisify(execFile)('vulkaninfo', ['--summary'], { timeout: VULKANINFO_MS });
    return parseVulkaninfo(stdout);
  } catch {
    // Not installed, or no driver that it can open: the manifests are asked instead.
    return undefined;
  }
}

function driverManifests(): string[] {
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (named) return manifestsAt(named.split(delimiter));
  const data = process.env.XDG_DATA_HOME ?? join(homedir(), '.local/share');
  const folders = ['/etc', '/usr/local/etc', '/usr/local/share', '/usr/share', data].map((folder) =>
    join(folder, 'vulkan/icd.d'),
  );
  return manifestsAt(folders);
}

/** @param paths manifests, or folders of them, as the loader's variables may name both */
export function manifestsAt(paths: readonly string[]): string[] {
  return paths
    .filter((path) => existsSync(path))
    .flatMap((path) => (statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path]))
    .filter((path) => path.endsWith('.json'));
}

/** The library that a manifest names; a manifest that cannot be read is told by its own name. */
export function driverLibrary(manifest: string): string {
  let text = '';
  try {
    text = readFileSync(manifest, 'utf8');
  } catch {
    // Not ours to repair: the loader cannot read it either, and whether the device works is tried apart.
  }
  return basename(/"library_path"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? manifest);
}

function pciVendors(): string[] {
  const folder = '/sys/class/drm';
  const drm = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^(card|renderD)\d+$/.test(name))
        .map((name) => join(folder, name, 'device/vendor'))
        .filter((path) => existsSync(path))
        .map((path) => readFileSync(path, 'utf8').trim())
    : [];
  // In containers NVIDIA's driver is there without its DRM nodes.
  return existsSync('/proc/driver/nvidia/gpus') ? [...drm, '0x10de'] : drm;
}
