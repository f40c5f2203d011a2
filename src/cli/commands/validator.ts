/** `meed validator`: proves, settles, finalizes and pays every closed epoch of a deployment, until it is told to leave. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isAddress } from 'ethers';
import { runValidator } from '../../chain/daemon/index.js';
import { MeedError, resourcePath } from '../../foundation/index.js';
import type { Instance, ProverName } from '../../prover/index.js';
import { parseBytes } from '../../work/index.js';
import { whole } from '../arguments.js';
import { type DaemonValues, daemonCommand, daemonOptions, keyOf, seconds } from '../daemon.js';
import { listenForInterrupts } from '../interrupt.js';
import { proverChoice } from '../proverChoice.js';
import { settlementKey } from '../settlementKey.js';

/** Of what a command that failed said. */
const MOST_SAID = 2000;

interface Values extends DaemonValues {
  readonly validators: readonly string[];
  readonly turn: number;
  readonly index?: true;
  readonly key?: string;
  readonly workers?: number;
  readonly memory?: string;
  readonly prover?: ProverName;
  readonly rapidsnark?: string;
}

const HELP = `
What it does follows from the chain alone: after a restart, or when the chain takes blocks back, it goes on with what is
owed then. Every transaction is in its journal before it is sent, and is sent at most once. Several validators share the
work when each is told of all (--validators): every part of an epoch is the turn of one, and of the next when it is away.

Example:
  meed keystore new validator.json
  meed validator --deployment deployment.json --rpc http://127.0.0.1:8545 --openings published --keystore validator.json --status-port 9464`;

export function validatorCommand(): Command {
  return daemonCommand('validator', 'proves, settles and pays every closed epoch, as long as it runs')
    .addOption(
      new Option('--validators <addresses>', 'all validators that share the work, with commas')
        .argParser(addresses)
        .default([], 'itself'),
    )
    .addOption(
      new Option('--turn <seconds>', 'until the next validator does what the one before did not')
        .argParser(seconds)
        .default(60),
    )
    .option('--index', 'computes and registers the index of every published model, and pays the bonds behind them')
    .option('--key <folder>', 'a published ceremony; the development key unless told')
    .addOption(
      new Option('--workers <n>', 'provers at a time (default: as many as cores and memory allow)').argParser(whole(1)),
    )
    .option('--memory <amount>', 'memory that the provers share, e.g. 4GB (default: three quarters)')
    .addOption(new Option('--prover <name>', 'what proves').choices(['embedded', 'rapidsnark']))
    .option('--rapidsnark <file>', "rapidsnark's executable, where it is not on the PATH")
    .addHelpText('after', HELP)
    .action(async (_, self: Command) => {
      const values = self.opts<Values>();
      const options = await daemonOptions(values);
      const privateKey = await keyOf(values);
      const { deployment } = options;
      const key = await settlementKey(deployment, values.key);
      const interrupts = listenForInterrupts();
      try {
        await runValidator({
          ...options,
          privateKey,
          key,
          validators: values.validators,
          turnMs: values.turn * 1000,
          buildIndex: values.index && ((run, signal) => buildIndex(run, deployment.instance, signal)),
          proving: {
            workers: values.workers,
            memoryBytes: values.memory === undefined ? undefined : parseBytes(values.memory),
            prover: await proverChoice(values),
          },
          signal: interrupts.first,
        });
      } finally {
        interrupts.dispose();
      }
    });
}

function addresses(text: string): string[] {
  const list = text.split(',').map((one) => one.trim());
  const wrong = list.find((one) => !isAddress(one));
  if (wrong === undefined) return list;
  throw new InvalidArgumentError(`${wrong} is no address.`);
}

/** In a process of its own: a model's engine blocks the thread that it runs on. */
async function buildIndex(run: string, { slots, queries, columns }: Instance, signal: AbortSignal): Promise<void> {
  const command = ['index', '--out', run, '--instance', `${slots},${queries},${columns}`];
  const child = spawn(process.execPath, [resourcePath('bin/meed.js'), ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-MOST_SAID);
  });
  const [status] = await once(child, 'exit');
  if (status === 0) return;
  throw new MeedError(`meed index of ${run} ended with status ${status}: ${said.trim()}`, 'Run it by hand to see more');
}
