/** What the daemons are put together from, each by itself. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterAll, describe, expect, it } from 'vitest';
import { ArtefactLibrary, writeArtefact } from '../../../src/artefact/index.js';
import {
  createKeystore,
  type DaemonHealth,
  importKeystore,
  Metrics,
  openKeystore,
  placeInLine,
  readPassword,
  serveStatus,
  TurnClock,
} from '../../../src/chain/daemon/index.js';
import { partsOf } from '../../../src/chain/daemon/validator/parts.js';

const folder = mkdtempSync(join(tmpdir(), 'meed-daemon-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('parts of an epoch', () => {
  it.each([
    [1, 1],
    [2, 4],
    [3, 5],
    [16, 40],
  ])('of %i shards and %i batches hold each place once, eight at most', (shards, batches) => {
    const parts = partsOf(shards, batches);
    expect(parts.map(({ number }) => number)).toEqual([...parts.keys()]);
    const places = parts.flatMap((part) => part.places);
    expect(new Set(places.map(({ shard, batch }) => `${shard} ${batch}`)).size).toBe(shards * batches);
    expect(places.every(({ shard, batch }) => shard < shards && batch < batches)).toBe(true);
    expect(places).toHaveLength(shards * batches);
    expect(Math.max(...parts.map((part) => part.places.length))).toBeLessThanOrEqual(8);
  });

  it('of an epoch without a batch are none', () => expect(partsOf(3, 0)).toEqual([]));
});

describe('turns', () => {
  const validators = Array.from({ length: 3 }, () => Wallet.createRandom().address);
  const duties = Array.from({ length: 3000 }, (_, i) => `epoch ${i} part 0`);

  it('put all validators in one line, the same for each of them, and share the work evenly', () => {
    const first = new Map(validators.map((validator) => [validator, 0]));
    for (const duty of duties) {
      const places = validators.map((self) => placeInLine(duty, self, validators));
      expect(places.toSorted()).toEqual([0, 1, 2]);
      const leader = validators[places.indexOf(0)];
      first.set(leader, (first.get(leader) ?? 0) + 1);
    }
    for (const share of first.values()) expect(Math.abs(share - 1000)).toBeLessThan(120); // 4.6 deviations
  });

  it('do not depend on how an address is written, nor on the order of the list', () => {
    const [a, b, c] = validators;
    for (const duty of duties.slice(0, 50)) {
      expect(placeInLine(duty, a.toLowerCase(), [c, b.toLowerCase(), a])).toBe(placeInLine(duty, a, validators));
    }
  });

  it('pass to the next when a turn is over, counted from when the duty was first seen', () => {
    const duty = 'finalize epoch 7';
    const second = validators.find((self) => placeInLine(duty, self, validators) === 1) ?? '';
    const clock = new TurnClock(second, { validators, turnMs: 1000 });
    clock.seen([duty], 5000);
    clock.seen([duty], 5900);
    expect([clock.isTurn(duty, 5999), clock.isTurn(duty, 6000)]).toEqual([false, true]);
    clock.seen([], 7000); // done, and undone by a reorganisation
    clock.seen([duty], 8000);
    expect([clock.isTurn(duty, 8999), clock.isTurn(duty, 9000)]).toEqual([false, true]);
  });
});

describe('a keystore', () => {
  const path = join(folder, 'key.json');

  it('opens with its password only, and is for its owner only', async () => {
    const address = await createKeystore(path, 'correct horse');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { privateKey } = await openKeystore(path, 'correct horse');
    expect(new Wallet(privateKey).address).toBe(address);
    expect(readFileSync(path, 'utf8')).not.toContain(privateKey.slice(2));
    await expect(openKeystore(path, 'battery staple')).rejects.toThrow(/does not open with this password/);
  });

  it('is refused when others may read it, and is never overwritten', async () => {
    await expect(createKeystore(path, 'another')).rejects.toThrow(/is there already/);
    chmodSync(path, 0o640);
    await expect(openKeystore(path, 'correct horse')).rejects.toThrow(/Others on this machine may read/);
    chmodSync(path, 0o600);
  });

  it('takes a key that exists, and never shows it', async () => {
    const { privateKey, address } = Wallet.createRandom();
    expect(await importKeystore(join(folder, 'imported.json'), `${privateKey}\n`, 'p')).toBe(address);
    const wrong = `${privateKey}00`;
    const refused = await importKeystore(join(folder, 'wrong.json'), wrong, 'p').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain(privateKey.slice(2, 20));
    await expect(createKeystore(join(folder, 'empty.json'), '')).rejects.toThrow(/protects nothing/);
  });

  it('reads a password from the first line of a private file', async () => {
    const file = join(folder, 'password');
    writeFileSync(file, 'with spaces \r\nsecond line\n', { mode: 0o600 });
    expect(await readPassword(file)).toBe('with spaces ');
    chmodSync(file, 0o644);
    await expect(readPassword(file)).rejects.toThrow(/Others on this machine may read/);
    const nothing = join(folder, 'nothing');
    writeFileSync(nothing, '\n', { mode: 0o600 });
    await expect(readPassword(nothing)).rejects.toThrow(/is empty/);
  });
});

describe('the status address', () => {
  it('tells figures and health, and nothing else', async () => {
    const metrics = new Metrics();
    metrics.done.inc({ kind: 'settle' });
    let health: DaemonHealth = { status: 'ok', block: 5, lag: 0, failing: {} };
    const server = await serveStatus(metrics, () => health);
    try {
      const figures = await (await fetch(`${server.url}/metrics`)).text();
      expect(figures).toMatch(/^meed_duties_done_total\{kind="settle"\} 1$/m);
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      health = { ...health, status: 'stalled' };
      const stalled = await fetch(`${server.url}/health`);
      expect([stalled.status, await stalled.json()]).toEqual([503, health]);
      expect((await fetch(`${server.url}/../package.json`)).status).toBe(404);
      expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(405);
      const { port } = new URL(server.url);
      await expect(serveStatus(metrics, () => health, { port: Number(port) })).rejects.toThrow(/Choose another/);
    } finally {
      await server.close();
    }
  });
});

describe('a library of artefacts', () => {
  const recipe = (kind: string) => ({ kind, inputs: {}, parameters: {} });
  const make = (path: string, kind: string) =>
    writeArtefact(path, recipe(kind), async (staging) => {
      writeFileSync(join(staging, 'data'), path);
      return {};
    });

  it('finds whole artefacts wherever they lie, and follows what comes and goes', async () => {
    const root = join(folder, 'library');
    const a = await make(join(root, 'deep', 'er', 'a'), 'index');
    const library = new ArtefactLibrary(root);
    await library.refresh();
    expect(library.byId(a.manifest.id)?.folder).toBe(a.folder);
    const b = await make(join(root, 'b'), 'receipts');
    await library.refresh();
    expect(library.ofKind('receipts').map(({ manifest }) => manifest.id)).toEqual([b.manifest.id]);
    rmSync(a.folder, { recursive: true });
    await library.refresh();
    expect(library.byId(a.manifest.id)).toBeUndefined();
  });

  it('passes over what is half-written, forged or a link in a circle', async () => {
    const root = join(folder, 'hostile');
    const good = await make(join(root, 'good'), 'index');
    cpSync(good.folder, join(root, 'forged'), { recursive: true });
    const manifest = join(root, 'forged', 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"index"', '"epoch"'));
    cpSync(good.folder, join(root, 'being.partial-1'), { recursive: true });
    mkdirSync(join(root, 'half'));
    writeFileSync(join(root, 'half', 'manifest.json'), '{"format":');
    symlinkSync(root, join(root, 'circle'));
    const library = new ArtefactLibrary(root);
    await library.refresh();
    expect(library.ofKind('epoch')).toEqual([]);
    expect(library.ofKind('index').map(({ folder: at }) => at)).toEqual([good.folder]);
    const repaired = JSON.stringify(good.manifest);
    writeFileSync(join(root, 'half', 'manifest.json'), repaired);
    await library.refresh();
    expect(library.byId(good.manifest.id)).toBeDefined();
  });

  it('says so when its folder is not there', async () => {
    await expect(new ArtefactLibrary(join(folder, 'nowhere')).refresh()).rejects.toThrow(/nowhere/);
  });
});
