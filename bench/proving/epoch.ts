/**
 * A whole epoch, from rows to verified proofs: seconds, most memory, and the cost curve that follows from them.
 *
 *   npx tsx bench/proving/epoch.ts --samples 100000 --receipts 24 [--fold] [--hosts 1] [--instance 24,24,128] [--step 46]
 *     [--workers N] [--memory 4GB] [--store FOLDER] [--json FILE] [--quick]
 *
 * Rows and queries are random integers (bench/proving/randomEpoch.ts); what is done with them is what `meed` does: rows to
 * slots, commitments, scores, challenges, witnesses, proofs, each verified. Keys are made before and not counted. With
 * `--store` finished proofs are kept there, so that an interrupted run goes on. Peak memory is the sum of the most that each
 * process had, which is at least the most they had together. `--quick` takes the smallest circuits.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { verifyBatch } from '../../src/prover/batchVerify.js';
import { compileCircuit } from '../../src/prover/circuit.js';
import { developmentKey } from '../../src/prover/devkey/index.js';
import type { ProvingKey } from '../../src/prover/provingKey.js';
import { loadHasher } from '../../src/prover/reference/index.js';
import { proverBytes, proveStatements, type Statement } from '../../src/prover/service/index.js';
import { parseBytes, threadStart } from '../../src/work/index.js';
import { type CurvePoint, costCurve } from './costCurve.js';
import { type EpochSize, epochStatements, randomShards } from './randomEpoch.js';

export interface EpochFigures {
  readonly samples: number;
  readonly receipts: number;
  /** 0 where receipts were not folded. */
  readonly hosts: number;
  readonly slots: number;
  /** Rows to statements to verified proofs. */
  readonly seconds: number;
  readonly peakMiB: number;
  readonly parts: readonly EpochPart[];
  readonly curve: readonly CurvePoint[];
}

export interface EpochPart {
  readonly name: string;
  readonly seconds: number;
  /** Of a kind of proof. */
  readonly proofs?: number;
  readonly constraints?: number;
  /** Most memory of its provers together, and what the budget counts for each. */
  readonly proversMiB?: number;
  readonly budgetMiB?: number;
}

/** The curve's number of hosts where none were measured. */
const CURVE_HOSTS = 10;
const MIB = 2 ** 20;

/** The figures of one epoch, measured in a process of its own, so that its memory is its own. */
export async function epochFigures(
  options: readonly string[] = ['--samples', '100000', '--receipts', '24'],
): Promise<EpochFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'meed-epoch-'));
  try {
    const json = join(folder, 'epoch.json');
    const { filename, execArgv } = threadStart(import.meta.url, './epoch.js');
    const child = spawn(process.execPath, [...execArgv, filename, ...options, '--json', json], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [status] = await once(child, 'exit');
    if (status !== 0) throw new Error(`the epoch's process ended with ${status}`);
    return JSON.parse(readFileSync(json, 'utf8')) as EpochFigures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      samples: { type: 'string' },
      receipts: { type: 'string' },
      fold: { type: 'boolean', default: false },
      hosts: { type: 'string', default: '1' },
      instance: { type: 'string' },
      step: { type: 'string' },
      workers: { type: 'string' },
      memory: { type: 'string' },
      store: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const [slots, queries, columns] = (values.instance ?? (quick ? '2,2,4' : '24,24,128')).split(',').map(Number);
  const size: EpochSize = {
    samples: Number(values.samples ?? (quick ? 1500 : 100_000)),
    receipts: Number(values.receipts ?? (quick ? 4 : 24)),
    hosts: values.fold ? Number(values.hosts) : 0,
    instance: { slots, queries, columns },
    step: Number(values.step ?? (quick ? 2 : 46)),
  };
  const figures = await measure(size, {
    workers: values.workers === undefined ? undefined : Number(values.workers),
    memoryBytes: values.memory === undefined ? undefined : parseBytes(values.memory),
    store: values.store,
  });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`);
  process.stdout.write(report(figures));
}

interface Machine {
  readonly workers?: number;
  readonly memoryBytes?: number;
  readonly store?: string;
}

async function measure(size: EpochSize, machine: Machine): Promise<EpochFigures> {
  const { slots, queries, columns } = size.instance;
  const keyOf = async (template: string, parameters: number[]): Promise<ProvingKey> =>
    developmentKey(await compileCircuit({ template, parameters }));
  const folded = size.hosts > 0;
  const keys = {
    scoreMatrix: await keyOf('ScoreMatrix', [slots, queries, columns]),
    querySum: folded ? await keyOf('QuerySum', [size.step, columns]) : undefined,
    queryMean: folded ? await keyOf('QueryMean', [queries, columns]) : undefined,
  };
  const parts: EpochPart[] = [];
  const timed = async <T>(
    name: string,
    work: () => T | Promise<T>,
    said: (made: T) => object = () => ({}),
  ): Promise<T> => {
    const begun = performance.now();
    const made = await work();
    parts.push({ name, seconds: (performance.now() - begun) / 1000, ...said(made) });
    return made;
  };
  const begun = performance.now();
  const hasher = await loadHasher();
  const shards = await timed('rows to committed shards', () => randomShards(size));
  const statements = await timed('receipts, scores and challenges', () => epochStatements(hasher, size, shards));
  let proversMiB = 0;
  const prove = async (name: keyof typeof keys): Promise<void> => {
    const key = keys[name];
    const own: readonly Statement[] = statements[name];
    if (key === undefined || own.length === 0) return;
    const notice = (sentence: string): void => {
      process.stderr.write(`${name}: ${sentence}\n`);
    };
    const { proofs } = await timed(
      name,
      () => proveStatements(key, own, { ...machine, notice, progress: progressOf(name) }),
      (made) => {
        proversMiB = Math.max(proversMiB, made.proverBytes / MIB);
        return {
          proofs: own.length - made.found,
          constraints: key.circuit.constraints,
          proversMiB: made.proverBytes / MIB,
        };
      },
    );
    parts[parts.length - 1] = { ...parts[parts.length - 1], budgetMiB: (await proverBytes(key)) / MIB };
    await timed(`${name}, verified together`, async () => {
      if (!(await verifyBatch(key.verificationKey, proofs))) throw new Error(`the proofs of ${name} do not verify`);
    });
  };
  for (const name of ['scoreMatrix', 'querySum', 'queryMean'] as const) await prove(name);
  const seconds = (performance.now() - begun) / 1000;
  const perProof = (name: string): number | undefined => {
    const part = parts.find((one) => one.name === name);
    return part?.proofs ? part.seconds / part.proofs : undefined;
  };
  const scoreMatrix = perProof('scoreMatrix');
  const each = { querySum: perProof('querySum'), queryMean: perProof('queryMean') };
  return {
    samples: size.samples,
    receipts: size.receipts,
    hosts: size.hosts,
    slots: shards.reduce((sum, { owners }) => sum + owners.filter((owner) => owner >= 0).length, 0),
    seconds,
    peakMiB: process.resourceUsage().maxRSS / 1024 + proversMiB,
    parts,
    // a run that was resumed has not measured what it found
    curve: scoreMatrix ? costCurve(size.instance, size.step, size.hosts || CURVE_HOSTS, { scoreMatrix, ...each }) : [],
  };
}

function progressOf(name: string): (done: number, total: number) => void {
  let told = 0;
  return (done, total) => {
    if (Math.floor(done) === told) return;
    told = Math.floor(done);
    process.stderr.write(`${name}: ${told}/${total}\n`);
  };
}

function report({ samples, receipts, hosts, slots, seconds, peakMiB, parts, curve }: EpochFigures): string {
  const how = hosts > 0 ? `folded by ${hosts} host(s)` : 'single';
  const cell = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '';
  return [
    `\n${samples} random rows in ${slots} slots, ${receipts} receipts, ${how}: ${seconds.toFixed(1)} s, at most ${peakMiB.toFixed(0)} MiB\n`,
    '| part | seconds | proofs | constraints each | provers had, MiB | budget of one, MiB |\n|---|---|---|---|---|---|',
    ...parts.map(
      (part) =>
        `| ${part.name} | ${part.seconds.toFixed(2)} | ${part.proofs ?? ''} | ${part.constraints ?? ''} | ${cell(part.proversMiB, 0)} | ${cell(part.budgetMiB, 0)} |`,
    ),
    `\nThe cost of other epochs, computed from these times (folded: ${hosts || CURVE_HOSTS} hosts), in seconds:\n`,
    '| samples | receipts | single | folded |\n|---|---|---|---|',
    ...curve.map(
      (point) =>
        `| ${point.samples} | ${point.receipts} | ${point.singleSeconds.toFixed(0)} | ${cell(point.foldedSeconds, 0)} |`,
    ),
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
