/** What the daemons' commands share: where the chain is, who acts, where the daemon keeps what it must not forget. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openKeystore, readPassword } from '../chain/daemon/index.js';
import { DEVELOPMENT_CHAIN_ID, type Deployment } from '../chain/index.js';
import { MeedError } from '../foundation/index.js';
import { whole } from './arguments.js';
import { readDeployment } from './deploymentFile.js';

export interface DaemonValues {
  readonly deployment: string;
  readonly rpc: string;
  readonly openings: string;
  readonly state: string;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly confirmations?: number;
  readonly poll: number;
  readonly feeCap: bigint;
  readonly patience: number;
  readonly statusPort?: number;
  readonly statusHost: string;
  readonly json?: true;
}

const WEI_A_GWEI = 10n ** 9n;
/** Where blocks can be taken back. */
const CONFIRMATIONS = 3;

export function daemonCommand(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .requiredOption('--deployment <file>', 'JSON of the deployment, as `meed chain up` writes it')
    .requiredOption('--rpc <url>', 'the node')
    .requiredOption('--openings <folder>', 'where data sets, indexes and receipts are published; it is looked at again')
    .option('--state <folder>', 'what the daemon must not forget; one folder an account and deployment', `meed-${name}`)
    .option('--keystore <file>', 'the account, as encrypted JSON (see `meed keystore`)')
    .option('--password-file <file>', 'its first line opens the keystore; asked for on a terminal otherwise')
    .addOption(
      new Option(
        '--confirmations <n>',
        `blocks at the head that are not acted on (default: ${CONFIRMATIONS}, 0 on a development chain)`,
      ).argParser(whole(0)),
    )
    .addOption(new Option('--poll <seconds>', 'between two looks at the chain').argParser(seconds).default(2))
    .addOption(
      new Option('--fee-cap <gwei>', 'most that a unit of gas may cost; a dearer chain is waited for')
        .argParser(gwei)
        .default(200n * WEI_A_GWEI, '200'),
    )
    .addOption(
      new Option('--patience <seconds>', 'until a waiting transaction is replaced by one that pays more')
        .argParser(seconds)
        .default(60),
    )
    .addOption(new Option('--status-port <n>', 'serves /metrics (Prometheus) and /health here').argParser(whole(0)))
    .option('--status-host <address>', 'where it listens', '127.0.0.1')
    .option('--json', 'print one JSON object a line on standard output')
    .exitOverride();
}

/** The options in the form that daemons take. */
export async function daemonOptions(values: DaemonValues) {
  const deployment = await readDeployment(values.deployment);
  return {
    url: values.rpc,
    deployment,
    openings: values.openings,
    state: values.state,
    confirmations: values.confirmations ?? confirmationsOf(deployment),
    pollMs: values.poll * 1000,
    feeCap: values.feeCap,
    patienceMs: values.patience * 1000,
    status: values.statusPort === undefined ? undefined : { host: values.statusHost, port: values.statusPort },
    tell: values.json ? tellJson : tellPeople,
  };
}

/** @throws MeedError (used wrongly) when no keystore was named */
export async function keyOf({ keystore, passwordFile }: DaemonValues): Promise<string> {
  if (keystore === undefined) {
    throw new MeedError('A daemon that sends needs an account', 'Name its keystore with --keystore', { exitCode: 2 });
  }
  const password =
    passwordFile === undefined ? await askPassword(`Password of ${keystore}: `) : await readPassword(passwordFile);
  return (await openKeystore(keystore, password)).privateKey;
}

/** Asks on the terminal, without showing what is typed. */
export async function askPassword(question: string): Promise<string> {
  if (process.stdin.isTTY !== true) {
    throw new MeedError('There is no terminal to ask for the password', 'Name a file with --password-file', {
      exitCode: 2,
    });
  }
  process.stderr.write(question);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: hidden, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

function confirmationsOf({ chainId }: Deployment): number {
  return chainId === DEVELOPMENT_CHAIN_ID ? 0 : CONFIRMATIONS;
}

function tellPeople(line: string): void {
  process.stderr.write(`${new Date().toISOString()}  ${line}\n`);
}

function tellJson(line: string): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), line })}\n`);
}

export function seconds(text: string): number {
  const value = Number(text);
  if (text === '' || !(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Give seconds above 0.');
  return value;
}

function gwei(text: string): bigint {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number of gwei.');
  return BigInt(text) * WEI_A_GWEI;
}
