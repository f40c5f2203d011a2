/** `meed doctor`: what this machine has, what is missing, and what to do about it. */
import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { startNode } from '../../chain/index.js';
import { type DeviceReport, PRODUCT, probeDevice, probeTfjs } from '../../engine/index.js';
import { cacheFolder, messageOf } from '../../foundation/index.js';
import { command } from '../arguments.js';
import { DEFAULT_INSTANCE } from '../profile.js';

interface Finding {
  readonly what: string;
  readonly status: 'ok' | 'missing' | 'absent';
  readonly detail: string;
  readonly device?: DeviceReport;
}

const LEAST_NODE = [20, 19] as const;

const EXAMINATIONS: readonly (() => Finding | Promise<Finding>)[] = [
  nodeVersion,
  () => device('engine', () => probeDevice('cpu'), 'missing'),
  localNode,
  cache,
  datasets,
  () => device('TensorFlow.js', probeTfjs, 'absent'),
  () => device('CUDA', () => probeDevice('cuda'), 'absent'),
  () => device('WebGPU', () => probeDevice('webgpu'), 'absent'),
];

export function doctorCommand(): Command {
  return command('doctor', 'tells what this machine has and what is missing', []).action(async (_, self: Command) => {
    const { json } = self.opts();
    const findings: Finding[] = [];
    // One after the other, each printed at once: a graphics driver that crashes takes this process with it.
    for (const examine of EXAMINATIONS) {
      const finding = await examine();
      findings.push(finding);
      if (!json) process.stdout.write(`${finding.status.padEnd(8)}${finding.what}: ${finding.detail}\n`);
    }
    if (json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
    if (findings.some((finding) => finding.status === 'missing')) process.exitCode = 1;
  });
}

function nodeVersion(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const ok = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return {
    what: 'Node.js',
    status: ok ? 'ok' : 'missing',
    detail: `${process.versions.node}, ${availableParallelism()} cores${ok ? '' : `; install ${LEAST_NODE.join('.')} or newer`}`,
  };
}

/** The CPU is needed; other devices and engines are told, and their absence is no fault. */
async function device(
  what: string,
  probe: () => Promise<DeviceReport>,
  absence: 'missing' | 'absent',
): Promise<Finding> {
  try {
    const report = await probe();
    if (report.missing !== undefined) return { what, status: absence, detail: report.missing };
    return { what, status: 'ok', detail: describe(report), device: report };
  } catch (error) {
    return { what, status: absence, detail: `${messageOf(error)}; run npm ci` };
  }
}

function describe({ name, memoryBytes, gflops }: DeviceReport): string {
  return [
    name,
    ...(memoryBytes === undefined ? [] : [`${(memoryBytes / 2 ** 30).toFixed(1)} GiB`]),
    `${gflops?.toPrecision(3)} GFLOP/s (fp32, ${PRODUCT}³ product, checked)`,
  ].join(', ');
}

async function localNode(): Promise<Finding> {
  try {
    const node = await startNode();
    await node.stop();
    return { what: 'local chain', status: 'ok', detail: `anvil starts and answers (chain ${node.chainId})` };
  } catch (error) {
    return { what: 'local chain', status: 'missing', detail: messageOf(error) };
  }
}

async function cache(): Promise<Finding> {
  const folder = cacheFolder();
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    const { slots, queries, columns } = DEFAULT_INSTANCE;
    return {
      what: 'cache',
      status: 'ok',
      detail: `${folder}; the default circuit is ${slots} × ${queries} × ${columns}`,
    };
  } catch (error) {
    return {
      what: 'cache',
      status: 'missing',
      detail: `${messageOf(error)}; set MEED_CACHE to a folder that can be written`,
    };
  }
}

function datasets(): Finding {
  const folder = process.env.MEED_DATASETS;
  if (folder === undefined) {
    return {
      what: 'data sets',
      status: 'ok',
      detail: 'glyphs is built in; heart and mnist are downloaded when asked for (or set MEED_DATASETS)',
    };
  }
  const there = existsSync(folder);
  return {
    what: 'data sets',
    status: there ? 'ok' : 'missing',
    detail: `MEED_DATASETS = ${folder}${there ? '' : ', which does not exist'}`,
  };
}
