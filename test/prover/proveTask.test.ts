/** Proving as a task: whatever worker does it, the proof verifies here and states what was asked; another key is refused. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileCircuit } from '../../src/prover/circuit.js';
import { developmentKey, type ProvingKey } from '../../src/prover/devkey/index.js';
import { verify } from '../../src/prover/groth16.js';
import proveTask, { type ProveInput, type Proven } from '../../src/prover/prove.task.js';
import { loadHasher } from '../../src/prover/reference/index.js';
import { evaluateScores } from '../../src/prover/reference/scores.js';
import { scoreMatrixStatement } from '../../src/prover/scoreMatrix.js';
import { scoreMatrixCircuit } from '../../src/prover/templates.js';
import { verificationKeyHash } from '../../src/prover/verificationKey.js';
import { CancelledError, type Closable, inlinePool, localPool, runMap } from '../../src/work/index.js';
import { TINY } from './support/statements.js';

const RHO = 123456789n;
let key: ProvingKey;
let input: ProveInput;

beforeAll(async () => {
  key = await developmentKey(await compileCircuit(scoreMatrixCircuit(TINY)));
  const { slots, queries, columns } = TINY;
  const values = {
    instance: TINY,
    indexId: 77n,
    slots: Int16Array.from({ length: slots * columns }, (_, i) => 3 * i - 7),
    queries: Int16Array.from({ length: queries * columns }, (_, i) => 11 - 5 * i),
    slotSalts: Array.from({ length: slots }, (_, i) => BigInt(100 + i)),
    querySalts: Array.from({ length: queries }, (_, i) => BigInt(200 + i)),
  };
  const statement = scoreMatrixStatement(await loadHasher(), values);
  input = {
    instance: { ...TINY },
    circuitHash: key.circuit.circuitHash,
    keyHash: verificationKeyHash(key.verificationKey),
    indexId: '77',
    shardCommitment: String(statement.shardCommitment),
    queryBatchCommitment: String(statement.queryBatchCommitment),
    rho: String(RHO),
    slots: values.slots,
    queries: values.queries,
    slotSalts: values.slotSalts.map(String),
    querySalts: values.querySalts.map(String),
    scores: statement.scores,
    threads: 'single',
  };
});

function holds({ words, publicSignals }: Proven): Promise<boolean> {
  return verify(key.verificationKey, publicSignals.map(BigInt), words.map(BigInt));
}

/** Ids of processes that `parent` started, whose command line names `what`, and that still run. */
function childrenOf(parent: number, what: string): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(parent)], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes(what))
    .map((line) => Number.parseInt(line, 10));
}

const provers = (): number[] => childrenOf(process.pid, 'proverProcess');

/** "Z" is a process that has ended and that nobody has asked about yet, "" one that is not known any more. */
function stateOf(id: number): string {
  return spawnSync('ps', ['-o', 'stat=', '-p', String(id)], { encoding: 'utf8' }).stdout.slice(0, 1);
}

/** Ends a child of this process, and waits until this process knows. */
async function kill(id: number): Promise<void> {
  process.kill(id, 'SIGKILL');
  while (stateOf(id) !== '') await sleep(5);
}

describe('a proof from a worker', () => {
  it('verifies and states the input, inline and from threads; only its words are random', async () => {
    const stated = [input.shardCommitment, input.queryBatchCommitment, input.rho];
    const where = localPool({ workers: 2, memoryBytes: 2e9 });
    const [inline] = await runMap(proveTask, [input]);
    const proofs = [inline, ...(await runMap(proveTask, [input, { ...input, threads: 'all' }], { where }))];
    await where.close();
    for (const proof of proofs) {
      expect(proof.publicSignals).toEqual([...stated, String(evaluateScores(input.scores, RHO))]);
      expect(await holds(proof)).toBe(true);
    }
    expect(new Set(proofs.map(({ words }) => words.join())).size).toBe(3);
    // the check can fail
    expect(await holds({ ...inline, words: [inline.words[0], ...proofs[1].words.slice(1)] })).toBe(false);
  });

  it('is not made with another key or circuit than the one asked for', async () => {
    await expect(runMap(proveTask, [{ ...input, keyHash: 'a'.repeat(64) }])).rejects.toThrow(
      /This worker's key of the circuit is .*…, a proof with aaaaaaaaaaaaaaaa… is asked for/,
    );
    await expect(runMap(proveTask, [{ ...input, circuitHash: 'b'.repeat(64) }])).rejects.toThrow(
      /This worker compiles another circuit .* than the one asked for \(bbbbbbbbbbbbbbbb…\)/,
    );
  });

  it('is not made of scores that are not those of the committed vectors', async () => {
    const scores = input.scores.slice();
    scores[1] += 1n;
    await expect(runMap(proveTask, [{ ...input, scores }])).rejects.toThrow(/circuit/);
  });

  it('is made by a new process after the one that made the last has died, busy or idle', async () => {
    const where = inlinePool();
    await runMap(proveTask, [input], { where });
    await kill(provers()[0]);
    expect(await holds((await runMap(proveTask, [input], { where }))[0])).toBe(true);
    const [busy] = provers();
    const ended = expect(runMap(proveTask, [input], { where })).rejects.toThrow('process ended with SIGKILL');
    let proving: number[] = [];
    for (; proving.length === 0; proving = childrenOf(busy, 'snarkjs')) await sleep(5);
    await kill(busy);
    await ended;
    // what it had started does not go on for nobody
    while (!proving.every((id) => ['', 'Z'].includes(stateOf(id)))) await sleep(5);
    expect(await holds((await runMap(proveTask, [input], { where }))[0])).toBe(true);
    await where.close();
    expect(provers()).toEqual([]);
  });

  it('leaves no witness behind when its worker ends meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meed-witness-'));
    const before = process.env.TMPDIR;
    process.env.TMPDIR = folder;
    try {
      let worker: Closable | undefined;
      const run = proveTask.run(input, {
        cancelled: () => false,
        throwIfCancelled: () => {},
        progress: () => {},
        memoryBytes: 1e9,
        async open(_key, make) {
          const made = await make();
          worker = made;
          return made;
        },
      });
      const ended = expect(run).rejects.toThrow("the prover's process ended with 0");
      const left = async (): Promise<string[]> =>
        (await readdir(folder, { recursive: true })).filter((name) => name.startsWith('meed-proof'));
      while (!(await left()).some((name) => name.endsWith('.wtns'))) await sleep(5);
      await worker?.dispose();
      await ended;
      expect(await left()).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      await rm(folder, { recursive: true });
    }
  });

  it('stops when it is cancelled', async () => {
    const cancel = new AbortController();
    const where = inlinePool();
    const run = runMap(proveTask, [input, input, input, input], { where, signal: cancel.signal, unit: 'proofs' });
    setTimeout(() => cancel.abort(), 150);
    await expect(run).rejects.toThrow(CancelledError);
    await where.close();
  });
});
