/** `meed chain up` and `meed chain verify`, beside the stage `meed chain`. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { FOLDERS } from '../../chain/auditor/index.js';
import {
  Account,
  DEVELOPMENT_CHAIN_ID,
  type Deployment,
  deploy,
  deploymentJson,
  developmentAddress,
  openProvider,
  parseDeployment,
  startNode,
  verifyDeployment,
} from '../../chain/index.js';
import { DEFAULT_DEPLOYMENT, STATE_FILE, withSession } from '../../chain/validator/index.js';
import { MeedError } from '../../foundation/index.js';
import { compileCircuit, developmentKey, keyWords, scoreMatrixCircuit } from '../../prover/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { listenForInterrupts } from '../interrupt.js';

const DEFAULT_PORT = 8545;
const DEPLOYMENT_FILE = 'deployment.json';

export function chainUpCommand(): Command {
  return command('up', 'starts a development chain with the contracts and leaves it running until Ctrl-C', ['index'])
    .addOption(new Option('--port <n>', 'on 127.0.0.1').argParser(whole(0)).default(DEFAULT_PORT))
    .addOption(new Option('--network <name>', 'behaves like a chain of the OP stack').choices(['optimism']))
    .option('--file <path>', 'where the deployment is written', DEPLOYMENT_FILE)
    .addHelpText(
      'after',
      '\nThe key is the development key, whose secrets are public: for tests only. The first development account owns the token and may\n' +
        'mint. For a wallet or Hardhat: network http://127.0.0.1:8545, chain id 31337, the addresses from deployment.json.\n',
    )
    .action(async (_, self: Command) => {
      const values = self.opts();
      const { instance } = runOptions(values);
      const interrupts = listenForInterrupts();
      const key = await developmentKey(await compileCircuit(scoreMatrixCircuit(instance)));
      const node = await startNode({ port: values.port, network: values.network });
      try {
        const deployer = await Account.connect(node.url, DEVELOPMENT_CHAIN_ID, { development: 0 });
        const { deployment } = await deploy(deployer, {
          ...DEFAULT_DEPLOYMENT,
          instance,
          key: keyWords(key.verificationKey),
        }).finally(() => deployer.close());
        await writeFile(values.file, `${JSON.stringify(deploymentJson(deployment), null, 2)}\n`);
        process.stdout.write(
          values.json ? `${JSON.stringify(upJson(node.url, deployment))}\n` : upText(node.url, deployment),
        );
        await interrupted(interrupts.first);
      } finally {
        interrupts.dispose();
        await node.stop();
      }
    });
}

const DAY_MS = 86_400_000;

/** A signal's listeners do not keep a process alive, and the node is a child that does not either; a timer does. */
async function interrupted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(DAY_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

const ACCOUNTS_SHOWN = 3;

function upJson(url: string, deployment: Deployment): object {
  const accounts = Array.from({ length: ACCOUNTS_SHOWN }, (_, i) => developmentAddress(i));
  return { url, accounts, deployment: deploymentJson(deployment) };
}

function upText(url: string, { chainId, addresses }: Deployment): string {
  const lines = Object.entries(addresses).map(([name, at]) => `  ${name.padEnd(18)} ${at}`);
  return [`Chain ${chainId} at ${url}`, ...lines, 'Ctrl-C ends it, and its state with it.', ''].join('\n');
}

export function chainVerifyCommand(): Command {
  return command('verify', 'compares a deployment with what stands on the chain', ['chain'])
    .argument('[file]', 'a deployment as JSON; that of the run in --out unless told')
    .action(async (file: string | undefined, _, self: Command) => {
      const values = self.opts();
      const { out } = runOptions(values);
      const { deployment, from } = await deploymentOf(file, join(out, FOLDERS.chain));
      if (from === undefined && values.rpc === undefined) {
        throw new MeedError('A deployment in a file stands on some node', 'Name the node with --rpc', { exitCode: 2 });
      }
      const location = {
        rpc: values.rpc,
        chainId: deployment.chainId,
        from: values.rpc === undefined ? from : undefined,
      };
      const checks = await withSession(location, async (session) => {
        const provider = openProvider(session.url, session.chainId);
        return verifyDeployment(provider, deployment).finally(() => provider.destroy());
      });
      if (values.json) process.stdout.write(`${JSON.stringify(checks, null, 2)}\n`);
      else for (const check of checks) process.stdout.write(checkText(check));
      const wrong = checks.filter(({ passed }) => !passed);
      if (wrong.length > 0) {
        throw new MeedError(
          `${wrong.length} of ${checks.length} checks failed: ${wrong.map(({ name }) => name).join(', ')}`,
          'Do not use this deployment, or name the chain and the file that belong together',
        );
      }
    });
}

function checkText({ name, found, expected, passed }: Awaited<ReturnType<typeof verifyDeployment>>[number]): string {
  return passed ? `  ✓ ${name}  ${found}\n` : `  ✗ ${name}  ${found}, expected ${expected}\n`;
}

async function deploymentOf(
  file: string | undefined,
  folder: string,
): Promise<{ readonly deployment: Deployment; readonly from?: string }> {
  const path = file ?? join(folder, 'manifest.json');
  if (!existsSync(path)) {
    throw new MeedError(`${path} is not there`, 'Run `meed chain`, or name the file of a deployment', { exitCode: 2 });
  }
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MeedError(`${path} is no JSON`, 'Name the file of a deployment', { cause });
  }
  if (file !== undefined) return { deployment: parseDeployment(value) };
  const facts: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'facts') : undefined;
  const inner: unknown = typeof facts === 'object' && facts !== null ? Reflect.get(facts, 'deployment') : undefined;
  return { deployment: parseDeployment(inner), from: existsSync(join(folder, STATE_FILE)) ? folder : undefined };
}
