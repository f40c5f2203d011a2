/**
 * What a validator owes as the owner of indexes: every published model whose data set is on the chain gets its index
 * computed and registered, a registration that broke off is finished, and a bond is fetched back after its window.
 * The trap: a registration that broke off may have been begun from another index of the same model (salts are random); so
 * it is gone on with only from the index that has its root.
 */
import { dirname } from 'node:path';
import type { ArtefactLibrary, Published } from '../../../artefact/index.js';
import { readDataset } from '../../../data/index.js';
import { type Instance, readIndex } from '../../../prover/index.js';
import { approveBonds, type ChainClient, call, releaseBond } from '../../client.js';
import type { IndexStore } from '../../indexer/store.js';
import { finishIndex, registerIndex, registrationOf } from '../../indexRegistration.js';
import { count, integer, text } from '../../values.js';
import type { Duty } from '../duty.js';

export interface IndexOwner {
  readonly client: ChainClient;
  readonly library: ArtefactLibrary;
  /** Computes the index of a run folder that holds data set and model. */
  readonly buildIndex: (run: string, signal: AbortSignal) => Promise<void>;
}

interface Registered {
  readonly index: string;
  readonly indexRoot: string;
  readonly complete: boolean;
  readonly released: boolean;
  readonly payableFrom: number;
}

export class IndexDuties {
  readonly #owner: IndexOwner;

  constructor(owner: IndexOwner) {
    this.#owner = owner;
  }

  async plan(store: IndexStore): Promise<readonly Duty[]> {
    const { client, library } = this.#owner;
    const own = await ownIndexes(store, client.account.address);
    const duties: Duty[] = [];
    for (const model of library.ofKind('model')) {
      const datasetId = await datasetOf(store, model.manifest.inputs.dataset);
      if (datasetId === undefined) continue;
      const built = library.ofKind('index').filter(({ manifest: { inputs, parameters } }) => {
        return inputs.model === model.manifest.id && isInstance(parameters.instance, client.deployment.instance);
      });
      const registered = built.find(({ manifest }) => own.some(({ indexRoot }) => indexRoot === manifest.facts.root));
      const chosen = registered ?? built[0];
      if (chosen === undefined) duties.push(this.#building(model));
      else if (!own.some(({ indexRoot, complete }) => indexRoot === chosen.manifest.facts.root && complete)) {
        duties.push(this.#registering(chosen, datasetId, own));
      }
    }
    const now = await this.#now();
    for (const { index, complete, released, payableFrom } of own) {
      if (complete && !released && payableFrom <= now && (await this.#bondOf(index)) > 0n) {
        duties.push(this.#releasing(index));
      }
    }
    return duties;
  }

  #building({ folder, manifest }: Published): Duty {
    const run = dirname(folder);
    return {
      key: `index model ${manifest.id}`,
      kind: 'index',
      lane: 'computing',
      run: async (signal) => {
        await this.#owner.buildIndex(run, signal);
        return `the index of ${run} is computed`;
      },
    };
  }

  #registering(built: Published, datasetId: string, own: readonly Registered[]): Duty {
    const { client, library } = this.#owner;
    return {
      key: `register index ${built.manifest.id}`,
      kind: 'register',
      lane: 'sending',
      run: async () => {
        const source = library.byId(built.manifest.inputs.dataset);
        if (source === undefined) return `the data set of ${built.folder} is gone`;
        const stored = await readDataset(source.folder);
        const registration = registrationOf(await readIndex(built.folder), stored, datasetId);
        const begun = own.find(({ indexRoot }) => indexRoot === built.manifest.facts.root);
        if (begun !== undefined) {
          const sent = await finishIndex(client, begun.index, registration);
          return `index ${begun.index} is registered whole, in ${sent.length} more transactions`;
        }
        await this.#approveBond();
        const { index, sent } = await registerIndex(client, registration);
        return `index ${index} is registered, in ${sent.length} transactions`;
      },
    };
  }

  #releasing(index: string): Duty {
    return {
      key: `release bond of ${index}`,
      kind: 'release',
      lane: 'sending',
      run: async () => {
        const { hash } = await releaseBond(this.#owner.client, index);
        return `the bond of index ${index} is back: ${hash}`;
      },
    };
  }

  async #approveBond(): Promise<void> {
    const { client } = this.#owner;
    const terms = await call(client, 'ProtocolTerms', 'indexTerms', []);
    const bond = Array.isArray(terms) ? integer(terms[0], 'bond') : 0n;
    if (bond > 0n) await approveBonds(client, bond);
  }

  async #bondOf(index: string): Promise<bigint> {
    const entry = await call(this.#owner.client, 'IndexRegistry', 'indexOf', [index]);
    return integer(typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'bond') : undefined, 'bond');
  }

  async #now(): Promise<number> {
    const block = await this.#owner.client.account.provider.getBlock('latest');
    return block?.timestamp ?? 0;
  }
}

function isInstance(value: unknown, wanted: Instance): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(wanted).every(([name, size]) => Reflect.get(value, name) === size);
}

/** On-chain id of the version that was published from an artefact. */
async function datasetOf(store: IndexStore, artefact: string): Promise<string | undefined> {
  const [row] = await store.rows(
    'SELECT "datasetId" FROM "DatanetRegistry"."DatasetPublished" WHERE "manifestHash" = ? ORDER BY block_number LIMIT 1',
    [`0x${artefact}`],
  );
  return row && text(row.datasetId, 'datasetId');
}

/** Indexes of an account that are neither abandoned nor disabled. */
async function ownIndexes(store: IndexStore, account: string): Promise<Registered[]> {
  const rows = await store.rows(
    `SELECT r.index, r."indexRoot", c."payableFrom"::HUGEINT AS payable_from, b.index IS NOT NULL AS released
     FROM "IndexRegistry"."IndexRegistered" r
     LEFT JOIN "IndexRegistry"."IndexCompleted" c ON c.index = r.index
     LEFT JOIN "IndexRegistry"."BondReleased" b ON b.index = r.index
     WHERE r.owner = ?
       AND NOT EXISTS (SELECT 1 FROM "IndexRegistry"."IndexDisabled" d WHERE d.index = r.index)
       AND NOT EXISTS (SELECT 1 FROM "IndexRegistry"."IndexAbandoned" a WHERE a.index = r.index
                       AND (a.block_number, a.log_index) > (r.block_number, r.log_index))`,
    [account.toLowerCase()],
  );
  return rows.map((row) => ({
    index: text(row.index, 'index'),
    indexRoot: String(BigInt(text(row.indexRoot, 'indexRoot'))),
    complete: row.payable_from !== null,
    payableFrom: row.payable_from === null ? 0 : count(row.payable_from, 'payable_from'),
    released: row.released === true,
  }));
}
