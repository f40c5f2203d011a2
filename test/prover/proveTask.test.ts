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
import { ENTRY_OFFSET, evaluateScores, loadHasher } from '../../src/prover/reference/index.js';
import { sentSignals } from '../../src/prover/service/statement.js';
import { scoreMatrixCircuit } from '../../src/prover/templates.js';
import { verificationKeyHash } from '../../src/prover/verificationKey.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { CancelledError, type Closable, inlinePool, localPool, runMap } from '../../src/work/index.js';
import { anyEntry, honestInput, TINY } from './support/statements.js';

const RHO = 123456789n;
const OFFSET = BigInt(ENTRY_OFFSET);
let key: ProvingKey;
let stated: CircuitInput;
let input: ProveInput;

beforeAll(async () => {
  key = await developmentKey(await compileCircuit(scoreMatrixCircuit(TINY)));
  stated = { ...honestInput(await loadHasher(), TINY, 7, anyEntry), rho: RHO };
  const { slots, queries } = stated;
  const scores = (slots as bigint[][]).flatMap((slot) =>
    (queries as bigint[][]).map((query) => slot.reduce((sum, x, j) => sum + (x - OFFSET) * (query[j] - OFFSET), 0n)),
  );
  stated = { ...stated, evaluation: evaluateScores(BigInt64Array.from(scores), RHO) };
  input = {
    ...key.circuit.instance,
    circuitHash: key.circuit.circuitHash,
    keyHash: verificationKeyHash(key.verificationKey),
    signals: sentSignals(stated),
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
    const { shardCommitment, queryBatchCommitment, rho, evaluation } = stated;
    const where = localPool({ workers: 2, memoryBytes: 2e9 });
    const [inline] = await runMap(proveTask, [input]);
    const proofs = [inline, ...(await runMap(proveTask, [input, { ...input, threads: 'all' }], { where }))];
    await where.close();
    for (const proof of proofs) {
      expect(proof.publicSignals).toEqual([shardCommitment, queryBatchCommitment, rho, evaluation].map(String));
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
    const signals = { ...input.signals, evaluation: [String((stated.evaluation as bigint) + 1n)] };
    await expect(runMap(proveTask, [{ ...input, signals }])).rejects.toThrow(/circuit/);
  });

  it('is made by a new process when the one that was making it has died, or the one that made the last', async () => {
    const where = inlinePool();
    await runMap(proveTask, [input], { where });
    const [idle] = provers();
    await kill(idle);
    expect(await holds((await runMap(proveTask, [input], { where }))[0])).toBe(true);
    const [busy] = provers();
    expect(busy).not.toBe(idle);
    const again = runMap(proveTask, [input], { where });
    // it has the request, and is at work
    await sleep(20);
    await kill(busy);
    expect(await holds((await again)[0])).toBe(true);
    expect(provers()).not.toContain(busy);
    await where.close();
    expect(provers()).toEqual([]);
  });

  it('is given up when every process dies over it', async () => {
    const where = inlinePool();
    const ended = expect(runMap(proveTask, [input], { where })).rejects.toThrow(
      /The prover's process ended 3 times before it gave the proof \(SIGKILL, SIGKILL, SIGKILL\)\. Give fewer --workers/,
    );
    const killed = new Set<number>();
    while (killed.size < 3) {
      for (const id of provers().filter((one) => !killed.has(one))) {
        killed.add(id);
        process.kill(id, 'SIGKILL');
      }
      await sleep(5);
    }
    await ended;
    await where.close();
  });

  it('ends with its worker, and leaves no witness behind', async () => {
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
      const ended = expect(run).rejects.toThrow(CancelledError);
      while (provers().length === 0) await sleep(5);
      await worker?.dispose();
      await ended;
      expect(provers()).toEqual([]);
      expect((await readdir(folder)).filter((name) => name.startsWith('meed-proof'))).toEqual([]);
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
