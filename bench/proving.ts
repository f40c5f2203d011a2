/**
 * What proofs cost: witness, proving, verification, memory and development key of ScoreMatrix from 2^12 to 2^18, Meed's own
 * prover beside snarkjs, and rapidsnark where its executable is on the PATH. Provers take turns in one run, each in a
 * process of its own; figures are medians. Beside Meed's stands its floor: the products of field elements that its way of
 * proving takes, at the time of one product measured in the same run on the same threads.
 *
 *   npx tsx bench/proving.ts [--quick] [--sizes 12,13,…] [--repeats N] [--threads T] [--json FILE]
 *
 * With all sizes an epoch of 100,000 samples and 24 receipts is proven, too (bench/proving/epoch.ts); what the chain charges is
 * asked of a node (bench/proving/gas.ts).
 * Slots and queries are random: no prover's time depends on what a row says, and a sketch's entries are about as long.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MeedError, Random } from '../src/foundation/index.js';
import {
  compileCircuit,
  developmentKey,
  type Instance,
  type ProvingKey,
  scoreMatrixCircuit,
  scoreMatrixInput,
  scoreMatrixStatement,
  shapeName,
  verify,
} from '../src/prover/index.js';
import { FIELD_MODULUS, loadHasher } from '../src/prover/reference/index.js';
import { findRapidsnark } from '../src/prover/service/index.js';
import { type CircuitInput, WitnessGenerator } from '../src/prover/witnessCalculator.js';
import type { Contest, ContestAnswer } from './proving/contender.js';
import { epochFigures } from './proving/epoch.js';
import { productNanoseconds, productsOfProof } from './proving/floor.js';
import { gasText, proofGas } from './proving/gas.js';
import { SHAPES } from './proving/shapes.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    repeats: { type: 'string' },
    threads: { type: 'string' },
    json: { type: 'string' },
  },
});
const sizes = (values.sizes ?? (values.quick ? '12,13' : Object.keys(SHAPES).join(','))).split(',');
const repeats = Number(values.repeats ?? 3);
const threads = Number(values.threads ?? availableParallelism());

interface Row {
  readonly log: string;
  readonly instance: string;
  readonly constraints: number;
  readonly devKeySeconds: number;
  readonly witnessSeconds: number;
  /** Median seconds of a proof. */
  readonly proveSeconds: Readonly<Record<string, number>>;
  readonly peakMiB: Readonly<Record<string, number>>;
  /** Parsing the key once. */
  readonly openSeconds: number;
  readonly stages: ContestAnswer['stages'];
  readonly verifySeconds: number;
  readonly floorSeconds: number;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1e3];
}

async function randomInput(instance: Instance): Promise<CircuitInput> {
  const random = new Random(1);
  const field = (): bigint => {
    let x = 0n;
    for (let i = 0; i < 9; i++) x = (x << 32n) | BigInt(random.uint32());
    return x % FIELD_MODULUS;
  };
  const entries = (count: number): Int16Array => Int16Array.from({ length: count }, () => random.below(65535) - 32767);
  const statement = {
    instance,
    indexId: field(),
    slots: entries(instance.slots * instance.columns),
    slotSalts: Array.from({ length: instance.slots }, () => field() >> 6n),
    queries: entries(instance.queries * instance.columns),
    batchSalt: field() >> 6n,
  };
  return scoreMatrixInput(scoreMatrixStatement(await loadHasher(), statement), statement, field());
}

/** The development key, made in a cache folder of this run so that its time is seen. */
async function freshKey(instance: Instance, cache: string): Promise<[ProvingKey, number]> {
  const circuit = await compileCircuit(scoreMatrixCircuit(instance));
  const before = process.env.MEED_CACHE;
  process.env.MEED_CACHE = cache;
  try {
    return await timed(() => developmentKey(circuit));
  } finally {
    if (before === undefined) delete process.env.MEED_CACHE;
    else process.env.MEED_CACHE = before;
  }
}

interface Contender {
  readonly name: string;
  readonly openSeconds: number;
  prove(): Promise<ContestAnswer>;
  close(): Promise<void>;
}

async function startContender(contest: Contest): Promise<Contender> {
  const child = fork(new URL('./proving/contender.ts', import.meta.url), { execArgv: process.execArgv });
  const ask = async (message: Contest | 'prove'): Promise<ContestAnswer> => {
    const heard = new AbortController();
    const { signal } = heard;
    try {
      child.send(message);
      return await Promise.race([
        once(child, 'message', { signal }).then(([answer]: ContestAnswer[]) => answer),
        once(child, 'exit', { signal }).then(([status]): never => {
          throw new Error(`${contest.who} ended with ${status}`);
        }),
      ]);
    } finally {
      heard.abort();
    }
  };
  const { seconds } = await ask(contest);
  return {
    name: contest.who,
    openSeconds: seconds,
    prove: () => ask('prove'),
    async close() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** rapidsnark reads key and witness for every proof; its memory is not seen from here. */
function rapidsnarkContender(path: string, { zkeyPath, wtnsPath }: Contest, folder: string): Contender {
  return {
    name: 'rapidsnark',
    openSeconds: 0,
    async prove() {
      const files = [zkeyPath, wtnsPath, join(folder, 'proof.json'), join(folder, 'public.json')];
      const [status, seconds] = await timed(async () => {
        const [code] = await once(spawn(path, files, { stdio: 'ignore' }), 'exit');
        return code as number | null;
      });
      if (status !== 0) throw new Error(`rapidsnark ended with ${status}`);
      return { seconds, peakBytes: 0, words: [], publicSignals: [], stages: {} };
    },
    async close() {},
  };
}

async function rapidsnarkPath(): Promise<string | undefined> {
  try {
    return await findRapidsnark();
  } catch (error) {
    if (error instanceof MeedError) return undefined;
    throw error;
  }
}

async function measure(log: string, nanoseconds: number, folder: string): Promise<Row> {
  const instance = SHAPES[log];
  if (!instance) throw new Error(`there is no shape for 2^${log}: ${Object.keys(SHAPES).join(', ')}`);
  const [key, devKeySeconds] = await freshKey(instance, folder);
  const generator = await WitnessGenerator.open(key.circuit.wasmPath);
  const input = await randomInput(instance);
  const witnessTimes: number[] = [];
  let wtns = new Uint8Array(0);
  for (let i = 0; i < repeats; i++) {
    const [bytes, seconds] = await timed(() => generator.calculate(input));
    wtns = new Uint8Array(bytes);
    witnessTimes.push(seconds);
  }
  const wtnsPath = join(folder, `${log}.wtns`);
  writeFileSync(wtnsPath, wtns, { mode: 0o600 });
  const contest = { zkeyPath: key.zkeyPath, wtnsPath, threads };
  const contenders = [
    await startContender({ ...contest, who: 'meed' }),
    await startContender({ ...contest, who: 'snarkjs' }),
  ];
  const rapidsnark = await rapidsnarkPath();
  if (rapidsnark) contenders.push(rapidsnarkContender(rapidsnark, { ...contest, who: 'meed' }, folder));
  const answers = new Map<string, ContestAnswer[]>(contenders.map(({ name }) => [name, []]));
  // the first proof of each warms compilers and caches and does not count
  for (let round = -1; round < repeats; round++) {
    for (const contender of contenders) {
      const answer = await contender.prove();
      if (round >= 0) answers.get(contender.name)?.push(answer);
    }
  }
  const verifyTimes: number[] = [];
  for (const { words, publicSignals } of [...answers.values()].flat()) {
    if (words.length === 0) continue;
    const [holds, seconds] = await timed(() =>
      verify(key.verificationKey, publicSignals.map(BigInt), words.map(BigInt)),
    );
    if (!holds) throw new Error(`a proof of ${shapeName(instance)} does not verify`);
    verifyTimes.push(seconds);
  }
  for (const { close } of contenders) await close();
  const own = answers.get('meed') ?? [];
  const each = (figure: (all: readonly ContestAnswer[]) => number): Record<string, number> =>
    Object.fromEntries([...answers].map(([name, all]) => [name, figure(all)]));
  const middle = [...own].sort((a, b) => a.seconds - b.seconds)[Math.floor(own.length / 2)];
  return {
    log,
    instance: `ScoreMatrix ${shapeName(instance)}`,
    constraints: key.circuit.constraints,
    devKeySeconds,
    witnessSeconds: median(witnessTimes),
    proveSeconds: each((all) => median(all.map(({ seconds }) => seconds))),
    peakMiB: each((all) => Math.max(...all.map(({ peakBytes }) => peakBytes)) / 2 ** 20),
    openSeconds: contenders[0].openSeconds,
    stages: middle.stages,
    verifySeconds: median(verifyTimes),
    floorSeconds: (nanoseconds * productsOfProof(Number(log), wtns)) / 1e9 / threads,
  };
}

function shown(row: Row): string {
  const { proveSeconds, peakMiB, stages } = row;
  const own = proveSeconds.meed;
  const cells = [
    `2^${row.log}`,
    row.instance,
    String(row.constraints),
    row.devKeySeconds.toFixed(1),
    row.witnessSeconds.toFixed(3),
    ...['meed', 'snarkjs', 'rapidsnark'].map((name) => proveSeconds[name]?.toFixed(2) ?? '–'),
    (proveSeconds.snarkjs / own).toFixed(1),
    String(Math.round(row.constraints / own)),
    row.floorSeconds.toFixed(2),
    row.openSeconds.toFixed(1),
    `${peakMiB.meed.toFixed(0)} / ${peakMiB.snarkjs.toFixed(0)}`,
    row.verifySeconds.toFixed(3),
    Object.entries(stages)
      .map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`)
      .join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEAD = [
  'domain',
  'instance',
  'constraints',
  'development key s',
  'witness s',
  'meed s',
  'snarkjs s',
  'rapidsnark s',
  'snarkjs / meed',
  'meed constraints/s',
  'floor s',
  'key parsed s',
  'peak MiB meed / snarkjs',
  'verify s',
  'stages s',
];

const folder = mkdtempSync(join(tmpdir(), 'meed-proving-'));
const rows: Row[] = [];
try {
  const nanoseconds = await productNanoseconds();
  console.log(
    `${threads} threads, ${repeats} proofs each; one product takes ${nanoseconds.toFixed(1)} ns on one thread.\n`,
  );
  console.log(`| ${HEAD.join(' | ')} |\n|${' --- |'.repeat(HEAD.length)}`);
  for (const log of sizes) {
    const row = await measure(log, nanoseconds, folder);
    rows.push(row);
    console.log(shown(row));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const gas = await proofGas();
console.log(`\n${gasText(gas)}`);

if (values.json !== undefined) {
  const by = (figure: (row: Row) => number): Record<string, number> =>
    Object.fromEntries(rows.map((row) => [row.log, figure(row)]));
  const names = [...new Set(rows.flatMap(({ proveSeconds }) => Object.keys(proveSeconds)))];
  const figures = {
    threads,
    constraints: Object.fromEntries(rows.map(({ instance, constraints }) => [instance, constraints])),
    provePerSecond: Object.fromEntries(
      names.map((name) => [name, by(({ constraints, proveSeconds }) => constraints / proveSeconds[name])]),
    ),
    devKeySeconds: by(({ devKeySeconds }) => devKeySeconds),
    witnessSeconds: by(({ witnessSeconds }) => witnessSeconds),
    epoch100k: values.quick || values.sizes !== undefined ? undefined : await epochFigures(),
    gas,
    rows,
  };
  writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`);
}
