import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCurrent, type Manifest, writeTable } from '../../src/artefact/index.js';
import { datasetRecipe, readDataset, readEvaluation, rowTree, writeDataset } from '../../src/data/index.js';
import { sha256File, sha256Json } from '../../src/foundation/index.js';
import { refusal, smallAddresses, smallDataset, temporaryFolder } from './fixture.js';

const choices = { seed: 7, payoutAddresses: smallAddresses };

async function stored(): Promise<string> {
  const folder = join(temporaryFolder(), 'data');
  await writeDataset(folder, smallDataset(), choices);
  return folder;
}

/** Rewrites the manifest so that it fits the files as they now are: what a forger would do. */
async function forgeManifest(folder: string, change: (manifest: Manifest) => Partial<Manifest>): Promise<void> {
  const path = join(folder, 'manifest.json');
  const old = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const files = await Promise.all(
    old.files.map(async (file) => ({ ...file, sha256: await sha256File(join(folder, file.path)) })),
  );
  const { format, kind, inputs, parameters, facts, files: listed } = { ...old, files, ...change({ ...old, files }) };
  const body = { format, kind, inputs, parameters, facts, files: listed.map((file) => ({ ...file })) };
  writeFileSync(path, JSON.stringify({ ...body, id: sha256Json(body) }));
}

/** train.arrow with one thing changed. */
async function rewriteTrain(folder: string, change: Parameters<typeof writeTable>[1]): Promise<void> {
  const { dataset, rowHashes } = await readDataset(folder);
  const { train, contributors } = dataset;
  await writeTable(join(folder, 'train.arrow'), {
    id: Array.from({ length: train.rows }, (_, row) => `row-00000${row}`),
    contributor: Array.from(train.contributors, (index) => contributors[index].name),
    contributorIndex: train.contributors,
    label: train.labels,
    features: { values: train.features, width: train.width },
    rowHash: rowHashes.map((hash) => Buffer.from(hash).toString('hex')),
    ...change,
  });
}

describe('the data-set artefact', () => {
  it('gives back what was written, without what was planted', async () => {
    const { artefact, dataset, addresses, rowHashes } = await readDataset(await stored());
    const written = smallDataset();
    expect(dataset).toEqual({ ...written, contributors: written.contributors.map(({ name }) => ({ name })) });
    expect(addresses).toEqual(smallAddresses);
    expect(artefact.manifest.kind).toBe('dataset');
    expect(artefact.manifest.facts).toEqual({
      name: 'small',
      root: rowTree(rowHashes).root,
      rows: 6,
      heldOutRows: 2,
      width: 2,
      classes: ['no', 'yes'],
      contributors: 3,
    });
  });

  it('keeps what was planted for the report', async () => {
    const folder = await stored();
    expect(await readEvaluation(folder)).toEqual(smallDataset().contributors);
    for (const file of ['train.arrow', 'heldout.arrow', 'contributors.arrow', 'card.json', 'manifest.json']) {
      expect(readFileSync(join(folder, file)).includes('flipped')).toBe(false);
    }
  });

  it('has the same id in every folder, another for another seed or address, and is found by its recipe', async () => {
    const folder = temporaryFolder();
    const id = async (name: string, made = choices) =>
      (await writeDataset(join(folder, name), smallDataset(), made)).manifest.id;
    const first = await id('a');
    expect(await id('b')).toBe(first);
    expect(await id('c', { ...choices, seed: 8 })).not.toBe(first);
    expect(await id('d', { ...choices, payoutAddresses: [...smallAddresses].reverse() })).not.toBe(first);
    const { card } = smallDataset();
    expect((await findCurrent(join(folder, 'a'), datasetRecipe(card, choices)))?.manifest.id).toBe(first);
    expect(await findCurrent(join(folder, 'a'), datasetRecipe(card, { ...choices, seed: 9 }))).toBe(undefined);
  });

  it('refuses a changed byte in any file', async () => {
    for (const file of ['train.arrow', 'heldout.arrow', 'contributors.arrow', 'card.json', 'evaluation.json']) {
      const folder = await stored();
      const bytes = readFileSync(join(folder, file));
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(join(folder, file), bytes);
      expect(await refusal(() => readDataset(folder))).toContain(`${join(folder, file)} has SHA-256`);
    }
  });

  it('refuses changed rows under a rewritten manifest: the row hash tells', async () => {
    const folder = await stored();
    await rewriteTrain(folder, { label: Int32Array.of(1, 1, 0, 1, 0, 1) });
    await forgeManifest(folder, () => ({}));
    expect(await refusal(() => readDataset(folder))).toMatch(/train\.arrow, row 0: the row hashes to .* Do not trust/);
  });

  it('refuses changed rows with row hashes to match: the root tells', async () => {
    const folder = await stored();
    const changed = smallDataset();
    changed.train.labels[0] = 1;
    const other = join(temporaryFolder(), 'other');
    await writeDataset(other, changed, choices);
    writeFileSync(join(folder, 'train.arrow'), readFileSync(join(other, 'train.arrow')));
    await forgeManifest(folder, () => ({}));
    expect(await refusal(() => readDataset(folder))).toMatch(/have the root [0-9a-f]{64}, its manifest says/);
  });

  it('refuses an owner whose name and index differ, an invalid row, and a file that the manifest hides', async () => {
    const folder = await stored();
    await rewriteTrain(folder, { contributor: ['ann', 'ann', 'bob', 'bob', 'çelik', 'çelik'] });
    await forgeManifest(folder, () => ({}));
    expect(await refusal(() => readDataset(folder))).toContain(
      'row 2: names the contributor "bob", its index means "ann"',
    );

    const invalid = await stored();
    await rewriteTrain(invalid, { features: { values: new Float32Array(12).fill(Number.NaN), width: 2 } });
    await forgeManifest(invalid, () => ({}));
    expect(await refusal(() => readDataset(invalid))).toContain('training row 0: feature "height" is NaN');

    const hidden = await stored();
    await forgeManifest(hidden, ({ files }) => ({ files: files.filter(({ path }) => path !== 'contributors.arrow') }));
    expect(await refusal(() => readDataset(hidden))).toContain('does not list contributors.arrow');
  });

  it('refuses a card or an evaluation of another form', async () => {
    const folder = await stored();
    writeFileSync(join(folder, 'card.json'), '{"name": 3}');
    writeFileSync(join(folder, 'evaluation.json'), '[{"name": "ann", "planted": "magic"}]');
    await forgeManifest(folder, () => ({}));
    expect(await refusal(() => readDataset(folder))).toContain('card.json is not a data-set card');
    expect(await refusal(() => readEvaluation(folder))).toContain('evaluation.json is not a list of contributors');
    writeFileSync(join(folder, 'card.json'), '{');
    await forgeManifest(folder, () => ({}));
    expect(await refusal(() => readDataset(folder))).toContain('card.json is not JSON');
  });

  it.each([
    ['too few', smallAddresses.slice(1), /2 payout addresses for 3 contributors/],
    ['malformed', ['0x12', ...smallAddresses.slice(1)], /"0x12" of contributor "ann" is not an Ethereum address/],
    [
      'a wrong checksum',
      ['0x52908400098527886E0F7030069857D2E4169eE7', ...smallAddresses.slice(1)],
      /of contributor "ann" is not/,
    ],
    ['zero', [`0x${'0'.repeat(40)}`, ...smallAddresses.slice(1)], /of contributor "ann" is nobody's account/],
    ['shared', [smallAddresses[0], smallAddresses[0], smallAddresses[2]], /"ann" and "bob" share the payout address/],
  ])('refuses payout addresses that are %s', async (_, payoutAddresses, sentence) => {
    const folder = join(temporaryFolder(), 'data');
    expect(await refusal(() => writeDataset(folder, smallDataset(), { seed: 1, payoutAddresses }))).toMatch(sentence);
  });
});
