/**
 * The canonical bytes of a store: every table as lines of JSON in the order of the chain, and a manifest that hashes them.
 * Two stores of the same chain up to the same block export to the same bytes, whether they were built in one go, in
 * pieces, or across reorganisations; the manifest's id is therefore the identity of what the chain said.
 * The trap: a table's own order is that of writing, and differs; only the ordered export is compared.
 */
import { join } from 'node:path';
import { type Artefact, writeArtefact } from '../../artefact/index.js';
import { deploymentJson } from '../deploy.js';
import type { IndexStore } from './store.js';

/** Writes the folder, replacing what was there. @throws MeedError when it cannot be written */
export async function exportIndex(store: IndexStore, folder: string): Promise<Artefact> {
  const { number, hash } = await store.cursor();
  const parameters = { deployment: deploymentJson(store.deployment), schema: store.schemaHash };
  return writeArtefact(folder, { kind: 'chain-events', inputs: {}, parameters }, async (staging) => {
    for (const name of await store.eventTables()) {
      const file = `${name.replaceAll('"', '')}.ndjson`;
      await writeOrdered(store, `SELECT * FROM ${name} ORDER BY block_number, log_index`, join(staging, file));
    }
    await writeOrdered(store, 'SELECT * FROM blocks ORDER BY number', join(staging, 'blocks.ndjson'));
    return { block: number, blockHash: hash };
  });
}

async function writeOrdered(store: IndexStore, query: string, path: string): Promise<void> {
  await store.run(`COPY (${query}) TO '${path.replaceAll("'", "''")}' (FORMAT json)`);
}
