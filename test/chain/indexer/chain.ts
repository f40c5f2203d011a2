/** Epochs for the indexer's tests, stores in a folder of their own, and a node between that can be made to lie. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distribute, finalizeEpoch } from '../../../src/chain/index.js';
import { exportIndex, type Health, IndexStore, type SyncOptions, syncIndex } from '../../../src/chain/indexer/index.js';
import {
  newEpoch,
  type OpenEpoch,
  type OpenIndex,
  OWNER,
  settleAll,
  shardSums,
  someScores,
  type World,
} from '../world.js';

export const scoresOf =
  (world: World, epoch: OpenEpoch) =>
  (shard: number, batch: number): BigInt64Array =>
    someScores(world, epoch, shard, batch + Number(epoch.epoch) * 17);

/** An epoch from its opening to its last credit. */
export async function payEpoch(
  world: World,
  index: OpenIndex,
  fees: readonly (readonly bigint[])[],
): Promise<OpenEpoch> {
  const owner = await world.as(OWNER);
  const epoch = await newEpoch(world, index, fees);
  await settleAll(world, epoch, scoresOf(world, epoch));
  await finalizeEpoch(owner, epoch.epoch);
  for (const [b, { batch, outputHashes, fees: paid }] of epoch.batches.entries()) {
    const shards = shardSums(world, epoch, (shard) => scoresOf(world, epoch)(shard, b));
    await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees: paid, shards });
  }
  return epoch;
}

export interface Stores {
  /** A path that no store has yet. */
  fresh(): string;
  remove(): Promise<void>;
}

export function makeStores(): Stores {
  const folder = mkdtempSync(join(tmpdir(), 'meed-indexer-'));
  let made = 0;
  return {
    fresh: () => join(folder, `${made++}.duckdb`),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export function syncTo(world: World, store: string, changes: Partial<SyncOptions> = {}): Promise<Health> {
  return syncIndex({ url: world.node.url, deployment: world.deployed.deployment, store, ...changes });
}

export async function withStore<T>(path: string, work: (store: IndexStore) => Promise<T>): Promise<T> {
  const store = await IndexStore.open(path);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** The identity of a store's bytes. */
export function digest(path: string): Promise<string> {
  return withStore(path, async (store) => (await exportIndex(store, `${path}.export`)).manifest.id);
}

/** The identity of what the node shows now, built in one go. */
export async function freshDigest(world: World, stores: Stores): Promise<string> {
  const path = stores.fresh();
  await syncTo(world, path);
  return digest(path);
}

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}
type Answer = Record<string, unknown>;

export interface LyingNode {
  readonly url: string;
  /** Changes the answer to a call; what it returns is sent. */
  lie: (request: Request, answer: Answer) => Answer | Promise<Answer>;
  /** Instead of answering requests with a list: what is answered to all, or nothing. */
  answerAll: ((body: string) => { readonly status: number; readonly body: string } | undefined) | undefined;
  readonly asked: Request[];
  stop(): Promise<void>;
}

/** Passes every call on to a node and lets a test change what comes back. */
export async function lyingNode(target: string): Promise<LyingNode> {
  const server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      const instead = node.answerAll?.(body);
      response.setHeader('content-type', 'application/json');
      if (instead) {
        response.statusCode = instead.status;
        response.end(instead.body);
        return;
      }
      const asked: Request | Request[] = JSON.parse(body);
      const answer = async (one: Request): Promise<Answer> => {
        node.asked.push(one);
        const sent = await fetch(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(one),
        });
        return node.lie(one, (await sent.json()) as Answer);
      };
      const answers = Array.isArray(asked) ? await Promise.all(asked.map(answer)) : await answer(asked);
      response.end(JSON.stringify(answers));
    })().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const node: LyingNode = {
    url: `http://127.0.0.1:${port}`,
    lie: (_, answer) => answer,
    answerAll: undefined,
    asked: [],
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return node;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
