/** `meed doctor`: what this machine has, what is missing, and what to do about it. */
import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { startNode } from '../../chain/index.js';
import { cpuEngine, type Engine } from '../../engine/index.js';
import { cacheFolder, messageOf } from '../../foundation/index.js';
import { openProducts } from '../../linalg/index.js';
import { command } from '../arguments.js';
import { DEFAULT_INSTANCE } from '../profile.js';

interface Finding {
  readonly what: string;
  readonly status: 'ok' | 'missing';
  readonly detail: string;
}

const LEAST_NODE = [20, 19] as const;
const PRODUCT = 1024;

export function doctorCommand(): Command {
  return command('doctor', 'tells what this machine has and what is missing', []).action(async (_, self: Command) => {
    const findings = [nodeVersion(), await engineSpeed(), await localNode(), await cache(), datasets()];
    if (self.opts().json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
    else
      for (const { what, status, detail } of findings) process.stdout.write(`${status.padEnd(8)}${what}: ${detail}\n`);
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

async function engineSpeed(): Promise<Finding> {
  try {
    const engine = cpuEngine({ threads: availableParallelism() });
    return {
      what: 'engine',
      status: 'ok',
      detail: `${engine.name}, ${(await gflops(engine)).toFixed(0)} GFLOP/s (fp32, ${PRODUCT}³ product)`,
    };
  } catch (error) {
    return { what: 'engine', status: 'missing', detail: `${messageOf(error)}; run npm ci` };
  }
}

/** Best of five, after one warm-up. */
async function gflops(engine: Engine): Promise<number> {
  const products = openProducts(engine);
  const square = { shape: [PRODUCT, PRODUCT], data: new Float32Array(PRODUCT * PRODUCT).fill(0.5) };
  await products.multiply('ab', square, square);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const begun = performance.now();
    await products.multiply('ab', square, square);
    best = Math.min(best, performance.now() - begun);
  }
  await products.dispose();
  return (2 * PRODUCT ** 3) / (best * 1e6);
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
