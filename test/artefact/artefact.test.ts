import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Artefact,
  factNumber,
  factString,
  findCurrent,
  type Recipe,
  readArtefact,
  readManifest,
  writeArtefact,
} from '../../src/artefact/index.js';
import { canonicalJson, type Json, sha256 } from '../../src/foundation/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';

const RECIPE: Recipe = { kind: 'index', inputs: { dataset: 'd1', model: 'm1' }, parameters: { seed: 1, deep: [1, 2] } };

/** Two files, one in a folder of its own. */
function make(folder: string, recipe = RECIPE, text = 'content', fact = 5): Promise<Artefact> {
  return writeArtefact(folder, recipe, async (staging) => {
    await mkdir(join(staging, 'sub'));
    await writeFile(join(staging, 'sub', 'a.txt'), text);
    await writeFile(join(staging, 'b.bin'), new Uint8Array([0, 1, 2]));
    return { rows: fact, name: 'x' };
  });
}

type ManifestBody = Record<string, Json>;

/** Changes fields of the manifest on disk. */
async function forge(folder: string, changed: ManifestBody): Promise<void> {
  const path = join(folder, 'manifest.json');
  const manifest: ManifestBody = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...manifest, ...changed }));
}

/** Changes the list of files and gives the manifest the id that belongs to the changed content. */
async function forgeFiles(folder: string, files: ManifestBody[]): Promise<void> {
  const { id: _, ...body }: ManifestBody = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  await forge(folder, { files, id: sha256(canonicalJson({ ...body, files })) });
}

describe('an artefact', () => {
  it('lists every file with its size and hash, and is named by the hash of all that', async () => {
    const folder = join(temporaryFolder(), 'index');
    const { manifest } = await make(folder);
    expect(manifest.files).toEqual([
      { path: 'b.bin', bytes: 3, sha256: sha256(new Uint8Array([0, 1, 2])) },
      { path: 'sub/a.txt', bytes: 7, sha256: sha256('content') },
    ]);
    const { id, ...body } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    expect(id).toBe(sha256(canonicalJson(body)));
    expect(await readArtefact(folder, 'index')).toEqual({ folder, manifest });
    expect(factNumber(manifest, 'rows')).toBe(5);
    expect(factString(manifest, 'name')).toBe('x');
    expect(() => factString(manifest, 'rows')).toThrow(/no usable fact "rows"/);
    expect(() => factNumber(manifest, 'none')).toThrow(/no usable fact "none"/);
  });

  it('has the same id wherever it is made, and another one after any change', async () => {
    const folder = temporaryFolder();
    let made = 0;
    const id = async (...args: Parameters<typeof make> extends [string, ...infer Rest] ? Rest : never) =>
      (await make(join(folder, `a${made++}`), ...args)).manifest.id;
    const base = await id();
    expect(await id()).toBe(base);
    const others = [
      await id(RECIPE, 'Content'),
      await id(RECIPE, 'content', 6),
      await id({ ...RECIPE, kind: 'receipts' }),
      await id({ ...RECIPE, inputs: { dataset: 'd2', model: 'm1' } }),
      await id({ ...RECIPE, parameters: { seed: 2, deep: [1, 2] } }),
      await id({ ...RECIPE, parameters: { seed: 1, deep: [2, 1] } }),
    ];
    expect(new Set([base, ...others]).size).toBe(others.length + 1);
  });

  it('appears whole or not at all: a filling that throws leaves the previous one', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'index');
    const stage = (staging: string): Promise<never> =>
      writeFile(join(staging, 'half'), 'x').then(() => Promise.reject(new Error('power cut')));
    await expect(writeArtefact(folder, RECIPE, stage)).rejects.toThrow('power cut');
    expect(await readdir(parent)).toEqual([]);

    const before = await make(folder);
    await expect(writeArtefact(folder, RECIPE, stage)).rejects.toThrow('power cut');
    expect(await readdir(parent)).toEqual(['index']);
    expect(await readArtefact(folder, 'index')).toEqual(before);
  });

  it('is not visible under its name while it is being filled', async () => {
    const parent = temporaryFolder();
    await writeArtefact(join(parent, 'index'), RECIPE, async (staging) => {
      expect(await readdir(parent)).toEqual([expect.stringMatching(/^index\.partial-/)]);
      expect(join(parent, 'index')).not.toBe(staging);
      return {};
    });
    expect(await readdir(parent)).toEqual(['index']);
  });

  it('replaces what was there whole, and clears away what killed runs left', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'index');
    await mkdir(join(parent, 'index.partial-Ab12'), { recursive: true });
    await mkdir(join(parent, 'model.partial-Ab12'));
    await make(folder);
    await writeArtefact(folder, RECIPE, async (staging) => {
      await writeFile(join(staging, 'only'), '');
      return {};
    });
    expect((await readdir(folder)).sort()).toEqual(['manifest.json', 'only']);
    // another stage's staging folder may be in use
    expect((await readdir(parent)).sort()).toEqual(['index', 'model.partial-Ab12']);
  });

  it('says which folder cannot be written', async () => {
    const parent = temporaryFolder();
    await writeFile(join(parent, 'file'), '');
    const said = await refusal(() => make(join(parent, 'file', 'index')));
    expect(said).toContain(join(parent, 'file', 'index'));
    expect(said).toContain('--out');
  });
});

describe('reading an artefact refuses', () => {
  async function made(): Promise<string> {
    const folder = join(temporaryFolder(), 'index');
    await make(folder);
    return folder;
  }

  it('a changed, truncated or missing file, by name', async () => {
    const folder = await made();
    const path = join(folder, 'sub', 'a.txt');
    await writeFile(path, 'contenT');
    expect(await refusal(() => readArtefact(folder, 'index'))).toContain(`${path} has SHA-256 ${sha256('contenT')}`);
    await writeFile(path, 'content');
    await readArtefact(folder, 'index');
    await truncate(path, 6);
    expect(await refusal(() => readArtefact(folder, 'index'))).toContain(path);
    await rm(path);
    expect(await refusal(() => readArtefact(folder, 'index'))).toContain(`${path} does not exist`);
    // the manifest alone does not look at the files
    expect((await readManifest(folder, 'index')).files).toHaveLength(2);
  });

  it('a manifest whose id is not the hash of its content', async () => {
    const changes: ManifestBody[] = [
      { facts: { rows: 6, name: 'x' } },
      { inputs: { dataset: 'd9', model: 'm1' } },
      { parameters: {} },
      { files: [] },
      { id: '0'.repeat(64) },
    ];
    for (const changed of changes) {
      const folder = await made();
      await forge(folder, changed);
      expect(await refusal(() => readArtefact(folder, 'index'))).toMatch(/claims the id .* its content hashes to/);
    }
  });

  it.each(['../secret', '/etc/passwd', 'sub/../../secret', '..', '..\\secret', 'C:\\secret'])(
    'a well-signed manifest that names the file %s',
    async (path) => {
      const folder = await made();
      await writeFile(join(folder, '..', 'secret'), 'x');
      await forgeFiles(folder, [{ path, bytes: 1, sha256: sha256('x') }]);
      expect(await refusal(() => readArtefact(folder, 'index'))).toMatch(/outside its folder/);
    },
  );

  it('a manifest that is not one, or not JSON, or of another kind, or absent', async () => {
    const folder = await made();
    expect(await refusal(() => readArtefact(folder, 'model'))).toMatch(/holds a index artefact, a model was expected/);
    for (const bad of [
      '{',
      '[]',
      'null',
      '{"format":"meed/1"}',
      '{"format":"meed/2","kind":"index","id":"","inputs":{},"parameters":{},"facts":{},"files":[]}',
      '{"format":"meed/1","kind":"index","id":"","inputs":{},"parameters":{},"facts":{},"files":[{"path":"a"}]}',
    ]) {
      await writeFile(join(folder, 'manifest.json'), bad);
      expect(await refusal(() => readArtefact(folder, 'index'))).toMatch(/is not (JSON|a Meed manifest)/);
    }
    await rm(join(folder, 'manifest.json'));
    expect(await refusal(() => readArtefact(folder, 'index'))).toMatch(/manifest\.json does not exist/);
  });
});

describe('findCurrent', () => {
  it('finds an artefact only by the recipe that made it', async () => {
    const folder = join(temporaryFolder(), 'index');
    const made = await make(folder);
    expect(await findCurrent(folder, RECIPE)).toEqual(made);
    expect(await findCurrent(folder, { ...RECIPE, parameters: { deep: [1, 2], seed: 1 } })).toEqual(made);
    for (const other of [
      { ...RECIPE, kind: 'model' },
      { ...RECIPE, inputs: { dataset: 'd1' } },
      { ...RECIPE, inputs: { dataset: 'd1', model: 'm2' } },
      { ...RECIPE, parameters: { seed: 2, deep: [1, 2] } },
      { ...RECIPE, parameters: { ...RECIPE.parameters, more: null } },
    ]) {
      expect(await findCurrent(folder, other)).toBeUndefined();
    }
  });

  it('does not take a damaged or half-copied one for finished', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'index');
    expect(await findCurrent(folder, RECIPE)).toBeUndefined();
    await make(folder);
    await cp(folder, join(parent, 'copy'), { recursive: true });
    await rm(join(parent, 'copy', 'b.bin'));
    expect(await findCurrent(join(parent, 'copy'), RECIPE)).toBeUndefined();
    await writeFile(join(folder, 'b.bin'), 'changed');
    expect(await findCurrent(folder, RECIPE)).toBeUndefined();
  });

  it('lets a defect through: a loop of links is no missing artefact', async () => {
    const parent = temporaryFolder();
    await symlink(join(parent, 'loop'), join(parent, 'loop'));
    await expect(findCurrent(join(parent, 'loop'), RECIPE)).rejects.toThrow(/ELOOP/);
  });
});
