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
  deploymentManifest,
  developmentAddress,
  openProvider,
  parseDeployment,
  startNode,
  verifyDeployment,
} from '../../chain/index.js';
import { DEFAULT_DEPLOYMENT, STATE_FILE, withSession } from '../../chain/validator/index.js';
import { MeedError } from '../../foundation/index.js';
import { compileCircuit, developmentKey, type Instance, keyWords, scoreMatrixCircuit } from '../../prover/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { listenForInterrupts } from '../interrupt.js';

const DEFAULT_PORT = 8545;
const DEPLOYMENT_FILE = 'deployment.json';

export function chainUpCommand(): Command {
  return command('up', 'starts a development chain with the contracts and leaves it running until Ctrl-C', ['index'])
    .addOption(new Option('--port <n>', 'on 127.0.0.1').argParser(whole(0)).default(DEFAULT_PORT))
    .addOption(new Option('--network <name>', 'behaves like a chain of the OP stack').choices(['optimism']))
    .option('--file <path>', 'where the deployment is written', DEPLOYMENT_FILE)
    .option('--from <run>', "goes on from the settled chain of a run's folder, with its credits, instead of a new one")
    .addHelpText(
      'after',
      '\nThe key is the development key, whose secrets are public: for tests only. The first development account owns the token and may\n' +
        'mint. The file holds what a wallet and Hardhat need: the network, the token, the addresses and the ABIs (examples/).\n',
    )
    .action(async (_, self: Command) => {
      const values = self.opts();
      const { instance } = runOptions(values);
      const settled = values.from === undefined ? undefined : await settledRun(values.from);
      const interrupts = listenForInterrupts();
      const loadState = settled && join(settled.from, STATE_FILE);
      const node = await startNode({ port: values.port, network: values.network, loadState });
      try {
        const host = await Account.connect(node.url, DEVELOPMENT_CHAIN_ID, { development: 0 });
        try {
          const deployment = settled?.deployment ?? (await deployDevelopment(host, instance));
          const manifest = await deploymentManifest(host.provider, node.url, deployment);
          await writeFile(values.file, `${JSON.stringify(manifest, null, 2)}\n`);
          process.stdout.write(
            values.json
              ? `${JSON.stringify(upJson(node.url, deployment))}\n`
              : upText(node.url, deployment, values.file),
          );
        } finally {
          host.close();
        }
        await interrupted(interrupts.first);
      } finally {
        interrupts.dispose();
        await node.stop();
      }
    });
}

async function deployDevelopment(deployer: Account, instance: Instance): Promise<Deployment> {
  const key = await developmentKey(await compileCircuit(scoreMatrixCircuit(instance)));
  const options = { ...DEFAULT_DEPLOYMENT, instance, key: keyWords(key.verificationKey) };
  return (await deploy(deployer, options)).deployment;
}

/** A run's deployment, and the folder in which its chain stands as the settlement left it. */
async function settledRun(run: string): Promise<{ readonly deployment: Deployment; readonly from: string }> {
  const from = join(run, FOLDERS.settlement);
  if (!existsSync(join(from, STATE_FILE))) {
    throw new MeedError(`${run} holds no settled chain`, 'Run `meed settle` first, with a node of its own', {
      exitCode: 2,
    });
  }
  const { deployment } = await deploymentOf(undefined, join(run, FOLDERS.chain));
  return { deployment, from };
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

function upText(url: string, { chainId, addresses }: Deployment, file: string): string {
  const lines = Object.entries(addresses).map(([name, at]) => `  ${name.padEnd(18)} ${at}`);
  return [
    `Chain ${chainId} at ${url}`,
    ...lines,
    `For wallets and Hardhat: ${file} (network, token, addresses, ABIs)`,
    'Ctrl-C ends it, and its state with it.',
    '',
  ].join('\n');
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
