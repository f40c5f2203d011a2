/**
 * One output folder and what was chosen for it. The artefacts are opened once, from disk: a stage never receives
 * anything from the stage before it in memory, so each can be run alone.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artefact, readArtefact } from '../artefact/index.js';
import { FOLDERS } from '../chain/auditor/index.js';
import { type Registration, readRegistration } from '../chain/validator/index.js';
import { readDataset, type StoredDataset } from '../data/index.js';
import { type DeviceChoice, type Engine, type EngineKind, openEngine } from '../engine/index.js';
import { MeedError, type Progress } from '../foundation/index.js';
import { type Picture, readModel, type TrainedModel } from '../models/index.js';
import {
  type AttributionIndex,
  ceremonyKey,
  compileCircuit,
  developmentKey,
  type Epoch,
  type Instance,
  type Proofs,
  type ProverName,
  type ProvingKey,
  type ProvingOptions,
  type Receipts,
  readEpoch,
  readIndex,
  readProofs,
  readReceipts,
  scoreMatrixCircuit,
  shapeName,
} from '../prover/index.js';
import { CancelledError, type MapOptions, type Pool, parseBytes, poolFromOptions } from '../work/index.js';
import { listenForInterrupts } from './interrupt.js';
import { proverChoice } from './proverChoice.js';
import { say } from './terminal.js';

export interface RunOptions {
  readonly out: string;
  readonly dataset: string;
  readonly csv?: string;
  readonly label?: string;
  readonly contributor?: string;
  readonly text?: string;
  readonly contributors?: string;
  readonly seed: number;
  /** Name of a model of Meed's own, or path of an ONNX file. */
  readonly model?: string;
  readonly modelOutput?: string;
  readonly hidden?: readonly number[];
  readonly picture?: Picture;
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly momentum?: number;
  readonly scorer: string;
  readonly instance: Instance;
  readonly receipts?: number;
  readonly rpc?: string;
  readonly chainId?: number;
  /** Folder of a published ceremony, instead of the development key. */
  readonly key?: string;
  readonly threads: number;
  readonly engine: EngineKind;
  readonly device: DeviceChoice;
  readonly strictDevice?: true;
  readonly workers?: number;
  readonly memory?: string;
  readonly queue?: string;
  readonly prover?: ProverName;
  /** Path of rapidsnark's executable. */
  readonly rapidsnark?: string;
}

type Opened = {
  dataset: StoredDataset;
  model: TrainedModel;
  index: AttributionIndex;
  receipts: Receipts;
  epoch: Epoch;
  chain: Registration;
  proofs: Proofs;
  settlement: Artefact;
  payout: Artefact;
};

export type StageName = keyof typeof FOLDERS;

const STOPPING =
  'Stopping as soon as the running jobs can; what is finished is kept. Interrupt twice more to end at once.';

export class Run {
  readonly options: RunOptions;
  readonly engine: Engine;
  readonly #opened = new Map<StageName, Promise<Opened[StageName]>>();
  readonly #keys = new Map<string, Promise<ProvingKey>>();
  #pool: Promise<Pool> | undefined;

  private constructor(options: RunOptions, engine: Engine) {
    this.options = options;
    this.engine = engine;
  }

  /** @throws MeedError when the engine or device that the options name is not there */
  static async open(options: RunOptions): Promise<Run> {
    return new Run(options, await openRunEngine(options));
  }

  folder(stage: StageName): string {
    return join(this.options.out, FOLDERS[stage]);
  }

  dataset(): Promise<StoredDataset> {
    return this.#open('dataset', () => readDataset(this.folder('dataset')));
  }

  model(): Promise<TrainedModel> {
    return this.#open('model', () => readModel(this.folder('model')));
  }

  index(): Promise<AttributionIndex> {
    return this.#open('index', () => readIndex(this.folder('index')));
  }

  receipts(): Promise<Receipts> {
    return this.#open('receipts', () => readReceipts(this.folder('receipts')));
  }

  epoch(): Promise<Epoch> {
    return this.#open('epoch', async () => readEpoch(this.folder('epoch'), await this.index(), await this.receipts()));
  }

  registration(): Promise<Registration> {
    return this.#open('chain', () => readRegistration(this.folder('chain')));
  }

  proofs(): Promise<Proofs> {
    return this.#open('proofs', () => readProofs(this.folder('proofs')));
  }

  settlement(): Promise<Artefact> {
    return this.#open('settlement', () => readArtefact(this.folder('settlement'), 'settlement'));
  }

  payout(): Promise<Artefact> {
    return this.#open('payout', () => readArtefact(this.folder('payout'), 'payout'));
  }

  /** Circuit and key of an instance, the development key unless --key names another, opened or made at most once. */
  key(instance: Instance): Promise<ProvingKey> {
    const name = shapeName(instance);
    const { key: published } = this.options;
    const key =
      this.#keys.get(name) ??
      compileCircuit(scoreMatrixCircuit(instance)).then((circuit) =>
        published === undefined ? developmentKey(circuit) : ceremonyKey(published, circuit),
      );
    this.#keys.set(name, key);
    return key;
  }

  /**
   * Does a stage's work where --workers, --memory or --queue say, in this thread when none is given. With workers,
   * finished jobs are kept in the run's folder until the stage is made, so an interrupted command goes on from there.
   * @throws CancelledError after an interrupt, also where the stage was made all the same: nothing is to follow it
   */
  async spread<T>(stage: StageName, progress: Progress, work: (options: MapOptions) => Promise<T>): Promise<T> {
    const { workers, memory, queue } = this.options;
    if (workers === undefined && memory === undefined && queue === undefined) return work({ progress });
    this.#pool ??= poolFromOptions({ workers, memory, queue });
    const where = await this.#pool;
    return this.#resumable(stage, (kept) => work({ where, progress, ...kept }));
  }

  /**
   * Proves where --queue says, otherwise in processes of this machine, as many as --workers and --memory allow. Finished
   * proofs are kept in any case, and an interrupt is always heard.
   * @throws MeedError (used wrongly) when --prover does not fit the other options; CancelledError as `spread`
   */
  async proving<T>(progress: Progress, work: (options: ProvingOptions) => Promise<T>): Promise<T> {
    const { workers, memory, queue, prover, rapidsnark } = this.options;
    const choice = await proverChoice({ prover, rapidsnark });
    if (queue !== undefined) {
      if (choice === undefined) return this.spread('proofs', progress, work);
      throw new MeedError(
        '--prover says what proves on this machine, and --queue sends the work to others',
        'Leave out one of them',
        { exitCode: 2 },
      );
    }
    const memoryBytes = memory === undefined ? undefined : parseBytes(memory);
    // nothing after this stage is done by threads, and what they hold is better used by provers
    await this.close();
    return this.#resumable('proofs', (kept) => work({ workers, memoryBytes, prover: choice, progress, ...kept }));
  }

  /** Hears interrupts, and keeps finished jobs until the stage is made. */
  async #resumable<T>(
    stage: StageName,
    work: (options: Required<Pick<MapOptions, 'store' | 'notice' | 'signal'>>) => Promise<T>,
  ): Promise<T> {
    const unfinished = join(this.options.out, 'unfinished');
    const interrupts = listenForInterrupts();
    try {
      interrupts.first.addEventListener('abort', () => say(STOPPING));
      const result = await work({ store: join(unfinished, stage), notice: say, signal: interrupts.first });
      await rm(unfinished, { recursive: true, force: true });
      if (interrupts.first.aborted) throw new CancelledError(`What follows the ${stage} stage`);
      return result;
    } finally {
      interrupts.dispose();
    }
  }

  /** Ends the workers, if there are any. */
  async close(): Promise<void> {
    const opened = this.#pool;
    this.#pool = undefined;
    // a pool that could not be opened has told so where it was asked for
    const pool = await opened?.catch(() => undefined);
    await pool?.close();
  }

  /** Forgets what was opened of a stage that has just been made anew. */
  forget(stage: StageName): void {
    this.#opened.delete(stage);
  }

  async #open<S extends StageName>(stage: S, open: () => Promise<Opened[S]>): Promise<Opened[S]> {
    let opened = this.#opened.get(stage) as Promise<Opened[S]> | undefined;
    if (!opened) {
      opened = open();
      this.#opened.set(stage, opened);
    }
    try {
      return await opened;
    } catch (cause) {
      this.#opened.delete(stage);
      if (cause instanceof MeedError) {
        throw new MeedError(
          `The ${stage} stage in ${this.options.out} cannot be used: ${cause.message.replace(/\.$/, '')}`,
          `Run \`meed ${commandOf(stage)} --out ${this.options.out}\``,
          { cause },
        );
      }
      throw cause;
    }
  }
}

/** The engine that the options name; what its device leaves to the CPU is said once on standard error. */
export function openRunEngine({ engine, device, threads, strictDevice }: RunOptions): Promise<Engine> {
  const said = new Set<string>();
  return openEngine({
    engine,
    device,
    threads,
    strict: strictDevice ? 'strict' : 'lenient',
    onHandedBack(operators) {
      const others = operators.filter((operator) => !said.has(operator));
      for (const operator of others) said.add(operator);
      if (others.length > 0) say(`The device leaves to the CPU: ${others.join(', ')}`);
    },
  });
}

const COMMANDS: Readonly<Record<StageName, string>> = {
  dataset: 'data',
  model: 'train',
  index: 'index',
  receipts: 'receipt',
  epoch: 'epoch',
  chain: 'chain',
  proofs: 'prove',
  settlement: 'settle',
  payout: 'withdraw',
};

/** The command that makes a stage. */
export function commandOf(stage: StageName): string {
  return COMMANDS[stage];
}
