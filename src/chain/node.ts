/**
 * A local chain: anvil from npm as a child process. Its port is chosen by the system, so any number of nodes can run at
 * once, and its state (accounts, blocks, transactions, receipts, logs) can be saved to a file and loaded again.
 * The trap: a child outlives a parent that is killed outright. So anvil runs below a small watchdog process that reads
 * from us, and ends when the pipe does, whatever the way in which we ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { resolve as absolute } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { FetchRequest } from 'ethers';
import { explainFileError, MeedError } from '../foundation/index.js';

/** The chain id on which the development key is allowed. */
export const DEVELOPMENT_CHAIN_ID = 31337;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;

export interface NodeOptions {
  /** 31337 unless told. */
  readonly chainId?: number;
  /** A file that saveState wrote. */
  readonly loadState?: string;
  /** On 127.0.0.1; any free one unless told. */
  readonly port?: number;
  /** Behaves like a chain of the OP stack; like Ethereum unless told. */
  readonly network?: 'optimism';
}

export interface ChainNode {
  readonly url: string;
  readonly chainId: number;
  /** Writes the whole chain to a file, from which startNode can go on. */
  saveState(path: string): Promise<void>;
  /** Ends the process; a second call does nothing. */
  stop(): Promise<void>;
}

/** Starts anvil, and ends it and itself when standard input closes. Arguments: the binary, then anvil's own. */
const WATCHDOG = `
const [binary, ...args] = process.argv.slice(1);
const anvil = require('node:child_process').spawn(binary, args, { stdio: ['ignore', 'inherit', 'inherit'] });
anvil.on('exit', (code) => process.exit(code ?? 1));
anvil.on('error', (error) => { console.error(error.message); process.exit(1); });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => anvil.kill());
const end = () => { anvil.kill(); setTimeout(() => anvil.kill('SIGKILL'), 3000); };
process.stdin.on('end', end).on('error', end).resume();
`;

/**
 * Starts a node and waits until it answers.
 * @throws MeedError when the binary is missing, the state cannot be loaded, or it does not come up in 20 seconds
 */
export async function startNode(options: NodeOptions = {}): Promise<ChainNode> {
  const chainId = options.chainId ?? DEVELOPMENT_CHAIN_ID;
  const args = ['--host', '127.0.0.1', '--port', String(options.port ?? 0), '--chain-id', String(chainId)];
  args.push('--no-request-size-limit');
  if (options.network !== undefined) args.push('--network', options.network);
  if (options.loadState !== undefined) {
    await access(options.loadState).catch((error: unknown) => {
      throw explainFileError(error, String(options.loadState));
    });
    args.push('--load-state', absolute(options.loadState));
  }
  const child = spawn(process.execPath, ['-e', WATCHDOG, anvilBinary(), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const url = await listeningUrl(child);
  release(child);
  return {
    url,
    chainId,
    saveState: (path) => saveState(url, path),
    stop: () => stop(child),
  };
}

/** The binary of this platform's package, without anvil's own launcher, which would be a third process. */
function anvilBinary(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`;
  const require = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'));
  try {
    return require.resolve(`${name}/bin/anvil${process.platform === 'win32' ? '.exe' : ''}`);
  } catch (cause) {
    throw new MeedError(`${name} is not installed`, 'Run npm ci with optional dependencies', { cause });
  }
}

function listeningUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (problem: string): void => {
      child.kill();
      reject(
        new MeedError(
          `${problem}: ${output.trim().slice(-500) || 'it printed nothing'}`,
          'Check the state file, or start without one',
        ),
      );
    };
    const timer = setTimeout(() => fail(`anvil did not come up in ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    const ended = (): void => {
      clearTimeout(timer);
      fail('anvil ended while starting');
    };
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const address = /Listening on (\S+:\d+)/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      child.off('exit', ended);
      child.stdout?.off('data', read).resume(); // keep the pipe empty, or anvil blocks
      resolve(`http://${address}`);
    };
    child.once('exit', ended);
    child.once('error', ended);
    child.stderr?.on('data', (chunk: Buffer) => {
      if (output.length < 10_000) output += chunk.toString();
    });
    child.stdout?.on('data', read);
  });
}

/** Lets our process end although the node still runs; the watchdog then ends the node. */
function release(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) if (pipe instanceof Socket) pipe.unref();
}

/** anvil dumps gzipped JSON in hex and loads plain JSON. */
async function saveState(url: string, path: string): Promise<void> {
  const request = new FetchRequest(url);
  request.body = { jsonrpc: '2.0', id: 1, method: 'anvil_dumpState', params: [] };
  const response = await request.send();
  const body: unknown = response.bodyJson;
  const dump = typeof body === 'object' && body !== null && 'result' in body ? body.result : undefined;
  if (typeof dump !== 'string' || !/^0x[0-9a-f]*$/.test(dump)) {
    throw new MeedError(`The node at ${url} did not dump its state`, 'Only a local anvil node can be saved');
  }
  const json = await promisify(gunzip)(Buffer.from(dump.slice(2), 'hex'));
  const staging = `${path}.${process.pid}`;
  try {
    await writeFile(staging, json);
    await rename(staging, path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
