/**
 * One prover in a process of its own, so that its memory is its own: asked to prove a witness, it answers with seconds.
 * What it reads once (Meed's key) is read before the first proof and told apart; snarkjs reads the key for every proof,
 * which is how its interface is used. Either is imported only where it proves, so that the other's memory does not count.
 */
import { readFile } from 'node:fs/promises';
import type { Stage } from '../../src/prover/fast/index.js';

export interface Contest {
  readonly who: 'meed' | 'snarkjs';
  readonly zkeyPath: string;
  readonly wtnsPath: string;
  readonly threads: number;
}

export interface ContestAnswer {
  readonly seconds: number;
  /** Most memory that the process has had. */
  readonly peakBytes: number;
  /** Decimal words in the EVM's order, and the public signals. */
  readonly words: readonly string[];
  readonly publicSignals: readonly string[];
  /** Seconds by stage; Meed's only. */
  readonly stages: Readonly<Partial<Record<Stage, number>>>;
}

type Proven = Pick<ContestAnswer, 'words' | 'publicSignals' | 'stages'>;

let prove: (() => Promise<Proven>) | undefined;

process.on('message', async (message: Contest | 'prove') => {
  const start = performance.now();
  if (message !== 'prove') prove = await open(message);
  const proven = message === 'prove' && prove ? await prove() : { words: [], publicSignals: [], stages: {} };
  const seconds = (performance.now() - start) / 1e3;
  process.send?.({ ...proven, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 } satisfies ContestAnswer);
});
process.on('disconnect', () => process.exit());

async function open({ who, zkeyPath, wtnsPath, threads }: Contest): Promise<() => Promise<Proven>> {
  if (who === 'snarkjs') {
    const { groth16 } = await import('snarkjs');
    const options = { singleThread: threads === 1 };
    return async () => {
      const { proof, publicSignals } = await groth16.prove(zkeyPath, wtnsPath, undefined, options);
      const [a, b, c] = [proof.pi_a, proof.pi_b, proof.pi_c];
      return { words: [a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]], publicSignals, stages: {} };
    };
  }
  const { openProver } = await import('../../src/prover/fast/index.js');
  const prover = await openProver({ zkeyPath }, { threads });
  return async () => {
    const stages: Partial<Record<Stage, number>> = {};
    let last: { readonly name: Stage; readonly at: number } | undefined;
    const close = (): void => {
      if (last) stages[last.name] = (performance.now() - last.at) / 1e3;
    };
    const { words, publicSignals } = await prover.prove(await readFile(wtnsPath), {
      stage(name) {
        close();
        last = { name, at: performance.now() };
      },
    });
    close();
    return { words: words.map(String), publicSignals: publicSignals.map(String), stages };
  };
}
