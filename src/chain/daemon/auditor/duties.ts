/**
 * What an auditor owes: a report about every index, every batch and every paid epoch, and, where it challenges, a dispute
 * of every index that is shown wrong while its window is open. All of it follows from the chain, the published artefacts
 * and the reports, so a duty that was done is none any more, and one that a reorganisation undid is one again.
 */
import type { JsonRpcProvider } from 'ethers';
import type { JsonObject } from '../../../foundation/index.js';
import type { VerificationKey } from '../../../prover/index.js';
import { type Hasher, loadHasher } from '../../../prover/reference/index.js';
import { type DisputeKeys, disputable, fileFinding, type ProvenFinding, proveFirst } from '../../auditor/disputing.js';
import { auditEpoch, type OpenedIntegers } from '../../auditor/epochAudit.js';
import { type IndexFinding, type Inspection, inspectIndex } from '../../auditor/indexFindings.js';
import type { RegisteredIndex } from '../../auditor/registered.js';
import { type ChainClient, call } from '../../client.js';
import type { Deployment } from '../../deploy.js';
import { readEvents } from '../../events.js';
import { count, quantity, record } from '../../values.js';
import type { Duty, Obstacle, Plan } from '../duty.js';
import type { ChainWatch } from '../watch.js';
import type { Evidence } from './evidence.js';
import type { Report, Reports, Subject } from './reports.js';
import {
  type BatchSubject,
  batchSubjects,
  type EpochSubject,
  type IndexSubject,
  indexSubjects,
  paidEpochs,
} from './subjects.js';

/** Who files disputes, and what proves them. */
export interface Challenger {
  readonly client: ChainClient;
  readonly keys: DisputeKeys;
  /** Most levels of an index tree that the circuits take. */
  readonly levels: number;
}

export interface AuditorParts {
  readonly provider: JsonRpcProvider;
  readonly deployment: Deployment;
  readonly watch: ChainWatch;
  readonly evidence: Evidence;
  readonly reports: Reports;
  /** Of the settlement's circuit. */
  readonly key: VerificationKey;
  /** Absent where the auditor only reports. */
  readonly challenger?: Challenger;
}

export class AuditorDuties {
  readonly #parts: AuditorParts;
  /** Kept while the process lives, so that a dispute that is sent again is the same transaction. */
  readonly #proven = new Map<string, ProvenFinding>();
  readonly #rows = new Map<string, OpenedIntegers<Int8Array>>();

  constructor(parts: AuditorParts) {
    this.#parts = parts;
  }

  async plan(): Promise<Plan> {
    const { watch, evidence, deployment } = this.#parts;
    await evidence.refresh();
    const { indexes, batches, epochs } = await watch.read(async (store) => ({
      indexes: await indexSubjects(store),
      batches: await batchSubjects(store),
      epochs: await paidEpochs(store, deployment.addresses.EpochSettlement),
    }));
    const duties: Duty[] = [];
    const obstacles: Obstacle[] = [];
    const registered = new Map(indexes.map((one) => [one.registered.index, one.registered]));
    for (const one of indexes) await this.#ofIndex(one, duties, obstacles);
    for (const one of batches) await this.#ofBatch(one, registered.get(one.index), duties, obstacles);
    for (const one of epochs) await this.#ofEpoch(one, registered.get(one.index), duties, obstacles);
    return { duties, obstacles };
  }

  async #ofIndex({ registered, disabled }: IndexSubject, duties: Duty[], obstacles: Obstacle[]): Promise<void> {
    const { evidence, reports } = this.#parts;
    const subject: Subject = {
      name: `index-${registered.index}`,
      content: contentOf(registered),
      evidence: evidence.ofIndex(registered),
    };
    const report = await reports.find(subject);
    if (report === undefined) {
      duties.push(this.#reporting(subject, () => this.#inspect(registered)));
      return;
    }
    tellWithheld(subject, report, obstacles);
    const { challenger } = this.#parts;
    if (challenger === undefined || report.verdict !== 'disputable' || disabled) return;
    if (!(await isOpen(challenger.client, registered.index))) return;
    duties.push({
      key: `dispute ${subject.name}`,
      kind: 'dispute',
      lane: 'sending',
      run: () => this.#dispute(challenger, registered),
    });
  }

  async #inspect(registered: RegisteredIndex): Promise<Report> {
    const problems: string[] = [];
    const inspection = await this.#inspection(registered, problems);
    const findings = inspection?.findings ?? [];
    const grounds: JsonObject = { findings: findings.map((finding) => ({ ...finding })), problems };
    if (disputable(findings).length > 0) return { verdict: 'disputable', grounds };
    if (findings.length > 0) return { verdict: 'committee', grounds };
    if (inspection?.opens === 'all') return { verdict: 'opened', grounds };
    const missing = inspection === undefined ? 'its rows' : 'the list of a shard';
    return { verdict: 'withheld', grounds: { ...grounds, missing } };
  }

  /** Of the artefacts that open the tree, one that shows something wrong, else one that opens most. */
  async #inspection(registered: RegisteredIndex, problems: string[]): Promise<Inspection | undefined> {
    const { evidence, deployment } = this.#parts;
    const hasher = await loadHasher();
    let best: Inspection | undefined;
    for await (const opening of evidence.openings(registered, (problem) => problems.push(problem))) {
      const inspection = await inspectIndex(hasher, deployment.instance, registered, opening);
      if (inspection.opens === 'nothing') problems.push(`one of ${opening.kind} does not open the registered root`);
      else if (disputable(inspection.findings).length > 0) return inspection;
      else if (best === undefined || inspection.opens === 'all') best = inspection;
    }
    return best;
  }

  async #dispute({ client, keys, levels }: Challenger, registered: RegisteredIndex): Promise<string> {
    const { index } = registered;
    const proven = await this.#prove(await loadHasher(), registered, keys, {
      claimant: client.account.address,
      levels,
    });
    const { hash, gasUsed } = await fileFinding(client, registered, proven);
    return `index ${index} is disputed by ${told(proven.finding)}: ${gasUsed} gas in ${hash}`;
  }

  async #prove(
    hasher: Hasher,
    registered: RegisteredIndex,
    keys: DisputeKeys,
    by: { readonly claimant: string; readonly levels: number },
  ): Promise<ProvenFinding> {
    const place = `${registered.index} ${registered.indexRoot} ${registered.shardCommitments.join()}`;
    const known = this.#proven.get(place);
    if (known) return known;
    const inspection = await this.#inspection(registered, []);
    if (!inspection?.shown) throw new Error(`the openings of index ${registered.index} are gone`);
    const findings = disputable(inspection.findings);
    const proven = await proveFirst(hasher, keys, registered, inspection.shown, findings, by);
    this.#proven.set(place, proven);
    return proven;
  }

  async #ofBatch(
    { epoch, batch, commitment }: BatchSubject,
    registered: RegisteredIndex | undefined,
    duties: Duty[],
    obstacles: Obstacle[],
  ): Promise<void> {
    if (registered === undefined) return;
    const { evidence, reports } = this.#parts;
    const subject: Subject = {
      name: `epoch-${epoch}-batch-${batch}`,
      content: { batch: String(batch), epoch: String(epoch), commitment: String(commitment) },
      evidence: evidence.ofReceipts(registered),
    };
    const report = await reports.find(subject);
    if (report) return tellWithheld(subject, report, obstacles);
    duties.push(
      this.#reporting(subject, async (): Promise<Report> => {
        const holding = await evidence.receipts(registered, [commitment]);
        if (holding.length > 0) return { verdict: 'opened', grounds: {} };
        return { verdict: 'withheld', grounds: { missing: 'its queries' } };
      }),
    );
  }

  async #ofEpoch(
    { epoch, accumulator, index }: EpochSubject,
    registered: RegisteredIndex | undefined,
    duties: Duty[],
    obstacles: Obstacle[],
  ): Promise<void> {
    if (registered === undefined) return;
    const { evidence, reports } = this.#parts;
    const subject: Subject = {
      name: `epoch-${epoch}`,
      content: { epoch: String(epoch), accumulator, index },
      evidence: [...evidence.ofIndex(registered), ...evidence.ofReceipts(registered)],
    };
    const report = await reports.find(subject);
    if (report) tellWithheld(subject, report, obstacles);
    else duties.push(this.#reporting(subject, () => this.#rederive(epoch, registered)));
  }

  async #rederive(epoch: bigint, registered: RegisteredIndex): Promise<Report> {
    const { provider, deployment, evidence, key } = this.#parts;
    const rows = await this.#rowsOf(registered);
    if (rows === undefined) return { verdict: 'withheld', grounds: { missing: 'the integers of its index' } };
    const events = await readEvents(provider, deployment);
    const posted = events.BatchPosted.filter((event) => event.epoch === epoch);
    const receipts = await evidence.receipts(
      registered,
      posted.map(({ commitment }) => commitment),
    );
    const { findings, fees } = await auditEpoch({ provider, deployment, events, epoch, key, rows, receipts });
    const differing = findings.flatMap((finding) => (finding.kind === 'differs' ? finding.detail : []));
    if (differing.length > 0) return { verdict: 'differs', grounds: { differing } };
    const missing = findings.flatMap((finding) => (finding.kind === 'batchNotOpened' ? finding.batch : []));
    if (missing.length > 0) return { verdict: 'withheld', grounds: { missing: `batches ${missing.join(', ')}` } };
    return { verdict: 'opened', grounds: { fees: String(fees) } };
  }

  /** The integers that open a whole index, looked for once: what opens a root opens it for good. */
  async #rowsOf(registered: RegisteredIndex): Promise<OpenedIntegers<Int8Array> | undefined> {
    const { evidence, deployment } = this.#parts;
    const slots = registered.registeredSlots.map(({ end, contributor }) => `${end} ${contributor}`);
    const place = `${registered.indexRoot} ${registered.shardCommitments.join()} ${slots.join()}`;
    const known = this.#rows.get(place);
    if (known) return known;
    const hasher = await loadHasher();
    for await (const opening of evidence.openings(registered, () => undefined)) {
      if (opening.kind !== 'integers') continue;
      const { opens } = await inspectIndex(hasher, deployment.instance, registered, opening);
      if (opens !== 'all') continue;
      const rows = { values: opening.rows, secret: opening.secret };
      this.#rows.set(place, rows);
      return rows;
    }
    return undefined;
  }

  #reporting(subject: Subject, look: () => Promise<Report>): Duty {
    return {
      key: `audit ${subject.name}`,
      kind: 'audit',
      lane: 'computing',
      run: async () => {
        const report = await look();
        await this.#parts.reports.write(subject, report);
        return `${subject.name}: ${report.verdict} ${JSON.stringify(report.grounds)}`;
      },
    };
  }
}

/** What of a registration a verdict is about. */
function contentOf({
  index,
  indexId,
  indexRoot,
  rows,
  shardCommitments,
  registeredSlots,
}: RegisteredIndex): JsonObject {
  return {
    index,
    indexId: String(indexId),
    indexRoot: String(indexRoot),
    rows,
    shards: shardCommitments.map(String),
    slots: registeredSlots.map(({ end, contributor }) => [end, contributor]),
  };
}

function tellWithheld({ name }: Subject, { verdict, grounds }: Report, obstacles: Obstacle[]): void {
  if (verdict === 'withheld') obstacles.push({ key: name, problem: `withheld: ${String(grounds.missing)}` });
}

function told(finding: IndexFinding): string {
  return Object.entries(finding)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** Asked at the head: a dispute that was mined a moment ago, by whomever, is not filed again. */
async function isOpen(client: ChainClient, index: string): Promise<boolean> {
  const entry = await call(client, 'IndexRegistry', 'indexOf', [index]);
  const field = (name: string): unknown =>
    typeof entry === 'object' && entry !== null ? Reflect.get(entry, name) : undefined;
  if (field('disabled') !== false) return false;
  const block: unknown = await client.account.provider.send('eth_getBlockByNumber', ['latest', false]);
  const now = quantity(record(block, 'the latest block').timestamp, 'block.timestamp');
  return now < count(field('payableFrom'), 'payableFrom');
}
