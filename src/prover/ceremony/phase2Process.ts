/**
 * The arithmetic of phase 2 (Bowe, Gabizon and Miers 2017, section 7), done by snarkjs in a process of its own: the curve
 * library keeps workers that would hold the caller open, and what a contribution was made of ends with the process.
 * The traps: secrets travel through the process's input, since arguments and environment stand in the process list;
 * snarkjs tells most refusals by returning false or -1 and a line on its log, so both are looked at; and it names a key
 * with no contribution valid, so counting contributions is the caller's.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { MeedError, type Progress, silent } from '../../foundation/index.js';

/** Paths are absolute; `key` is the file that is written, or verified. */
export type Phase2Job =
  | { readonly step: 'new'; readonly r1cs: string; readonly phase1: string; readonly key: string }
  | {
      readonly step: 'contribute';
      readonly from: string;
      readonly key: string;
      readonly name: string;
      /** Secret: whoever has it and the random bytes that snarkjs adds knows the contribution. */
      readonly entropy: string;
    }
  | {
      readonly step: 'beacon';
      readonly from: string;
      readonly key: string;
      readonly name: string;
      /** Hex. */
      readonly value: string;
      /** Exponent of two. */
      readonly iterations: number;
    }
  | { readonly step: 'verify'; readonly initial: string; readonly phase1: string; readonly key: string };

export interface Phase2Options {
  readonly progress?: Progress;
  /** Ends the process; what it had written is to be thrown away. */
  readonly signal?: AbortSignal;
}

type Said =
  | { readonly log: string }
  | { readonly problem: string }
  /** A hash in hex, or whether a key is valid. */
  | { readonly result: string | boolean };

const require = createRequire(import.meta.url);

/** Runs in the child: one job from the first line of its input. The input ends when the parent has died, however. */
const CHILD = `
const { zKey } = require(process.argv[1]);
const say = (message) => new Promise((told) => process.stdout.write(JSON.stringify(message) + '\\n', told));
const log = (text) => say({ log: String(text) });
const problem = (text) => say({ problem: String(text) });
console.log = problem;
const logger = { debug: log, info: log, warn: problem, error: problem };
const steps = {
  new: ({ r1cs, phase1, key }) => zKey.newZKey(r1cs, phase1, key, logger),
  contribute: ({ from, key, name, entropy }) => zKey.contribute(from, key, name, entropy, logger),
  beacon: ({ from, key, name, value, iterations }) => zKey.beacon(from, key, name, value, iterations, logger),
  verify: ({ initial, phase1, key }) => zKey.verifyFromInit(initial, phase1, key, logger),
};
let given = '';
process.stdin.on('end', () => process.exit(1)).on('data', (chunk) => {
  const begun = given.includes('\\n');
  given += chunk;
  if (!begun && given.includes('\\n')) void work(JSON.parse(given));
});
async function work(job) {
  try {
    const made = await steps[job.step](job);
    await say({ result: made instanceof Uint8Array ? Buffer.from(made).toString('hex') : made === true });
    process.exit(0);
  } catch (error) {
    await problem(error.message);
    process.exit(1);
  }
}
`;

/**
 * Does one step of phase 2.
 * @returns the hash that snarkjs gives, hex: of the circuit's points for `new`, of the contribution otherwise
 * @throws MeedError when snarkjs refuses; the signal's AbortError
 */
export async function runPhase2(
  job: Exclude<Phase2Job, { step: 'verify' }>,
  options: Phase2Options = {},
): Promise<string> {
  const { result, problems } = await runChild(job, options);
  if (typeof result === 'string') return result;
  throw new MeedError(
    `The step "${job.step}" of phase 2 failed: ${problems.join('; ') || 'no reason was given'}`,
    'Check that the files are whole and there is room for another key, then run the command again',
  );
}

/** Why the key does not follow from its initial key and phase 1, or undefined when it does. */
export async function refusalOf(
  job: Extract<Phase2Job, { step: 'verify' }>,
  options: Phase2Options = {},
): Promise<string | undefined> {
  const { result, problems } = await runChild(job, options);
  return result === true ? undefined : problems.join('; ') || 'no reason was given';
}

async function runChild(
  job: Phase2Job,
  { progress = silent, signal }: Phase2Options,
): Promise<{ result: string | boolean | undefined; problems: string[] }> {
  const problems: string[] = [];
  let result: string | boolean | undefined;
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', CHILD, require.resolve('snarkjs')], {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
    });
    let unread = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (unread + chunk).split('\n');
      unread = lines.pop() ?? '';
      for (const line of lines) {
        const said = saidIn(line);
        if ('result' in said) result = said.result;
        else if ('problem' in said) problems.push(said.problem.trim());
        else tell(said.log, progress);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      problems.push(chunk.trim());
    });
    child.once('error', reject);
    child.once('close', () => resolve());
    // a child that ended at once closes its input; what it says or its missing result tells why
    child.stdin.on('error', () => {});
    child.stdin.write(`${JSON.stringify(job)}\n`);
  });
  return { result, problems };
}

/** snarkjs counts as "Writing points start C: 512/81000" and tells other things too. */
function tell(line: string, progress: Progress): void {
  const counted = /^(.*?):?\s+(\d+)\/(\d+)$/.exec(line.trim());
  if (counted === null) return;
  const [, what, done, total] = counted;
  progress(Number(done), Number(total), what.toLowerCase());
}

/** What is not one of the child's messages was printed by a library, and is told if the step fails. */
function saidIn(line: string): Said {
  if (!/^\{"(log|problem|result)":/.test(line)) return { problem: line };
  return JSON.parse(line) as Said;
}
