/**
 * The development key of a circuit: a Groth16 key from secrets that everybody knows (waste.ts), made in seconds instead
 * of a ceremony, the same for everybody, cached by the circuit's hash. It is *forgeable*, says so in the file beside it,
 * and no chain but a development chain may take it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runWorker } from '../../foundation/worker.js';
import { cachedFolder } from '../cached.js';
import type { CompiledCircuit } from '../circuit.js';
import { bn254 } from '../curve.js';
import type { ProvingKey } from '../provingKey.js';
import { readR1csHeader } from '../r1cs.js';
import { assertKeyIsSound, type VerificationKey } from '../verificationKey.js';
import { curveModule } from './curveModule.js';
import { affineBytes, type GroupName } from './fixedBase.js';
import { type PointWork, pointWork, SIGNAL, setSignal } from './keyPoints.js';
import type { KeyScalars } from './keyScalars.js';
import type { PointsTask } from './points.worker.js';
import type { ScalarsTask } from './scalars.worker.js';
import { developmentWaste } from './waste.js';
import { writeZkey, type ZkeyContent } from './zkeyFile.js';

const ZKEY = 'key.zkey';
const VERIFICATION_KEY = 'verification_key.json';
const PROPERTIES = 'properties.json';
/** Raised when the file format or the secrets change. */
const KEY_VERSION = 1;

/** The development key of the circuit, from the cache or made now on all cores. */
export async function developmentKey(circuit: CompiledCircuit): Promise<ProvingKey> {
  const name = `development-v${KEY_VERSION}-${circuit.circuitHash}`;
  const folder = await cachedFolder(join('keys', name), (staging) => makeKey(circuit, staging));
  const verificationKey = JSON.parse(await readFile(join(folder, VERIFICATION_KEY), 'utf8')) as VerificationKey;
  await assertKeyIsSound(verificationKey, circuit.publicSignals);
  return { circuit, zkeyPath: join(folder, ZKEY), verificationKey, forgeable: true };
}

async function makeKey(circuit: CompiledCircuit, staging: string): Promise<void> {
  const content = await keyContent(circuit);
  await writeZkey(join(staging, ZKEY), content);
  const verificationKey = await exportVerificationKey(content);
  await assertKeyIsSound(verificationKey, circuit.publicSignals);
  await writeFile(join(staging, VERIFICATION_KEY), JSON.stringify(verificationKey, null, 1));
  const properties = {
    forgeable: true,
    reason: 'The secrets of this setup are hashes of their own names and known to everybody.',
    circuitHash: circuit.circuitHash,
  };
  await writeFile(join(staging, PROPERTIES), JSON.stringify(properties, null, 1));
}

async function keyContent(circuit: CompiledCircuit): Promise<ZkeyContent> {
  const { wires, publicWires, constraints } = readR1csHeader(await readFile(circuit.r1csPath));
  const domain = 2 ** (Math.floor(Math.log2(constraints + publicWires)) + 1);
  const g1 = (count: number): { group: GroupName; count: number } => ({ group: 'g1m', count });
  const g2 = (count: number): { group: GroupName; count: number } => ({ group: 'g2m', count });
  const sizes = [g2(wires), g1(domain), g1(wires), g1(wires), g1(wires), g1(3), g2(3)];
  const work = pointWork(sizes, availableParallelism());
  const [b2, h, a, b1, combined, headerG1, headerG2] = work.lists.map((list) => new Uint8Array(list.points));

  const curve = await curveModule();
  const scalars = provideScalars({ curve, r1csPath: circuit.r1csPath }, work);
  const task: PointsTask = { curve, work };
  const workers = Array.from({ length: work.workers }, () =>
    runWorker(import.meta.url, './points.worker.js', task, isDone),
  );
  await Promise.all([scalars, ...workers]);
  const size = affineBytes('g1m');
  const point = (list: Uint8Array, index: number, length: number): Uint8Array =>
    list.slice(index * length, (index + 1) * length);
  const firstPrivate = (publicWires + 1) * size;
  return {
    wires,
    publicWires,
    domain,
    headerG1: { alpha: point(headerG1, 0, size), beta: point(headerG1, 1, size), delta: point(headerG1, 2, size) },
    headerG2: {
      beta: point(headerG2, 0, 2 * size),
      gamma: point(headerG2, 1, 2 * size),
      delta: point(headerG2, 2, 2 * size),
    },
    ic: combined.slice(0, firstPrivate),
    coefficients: (await scalars).coefficients,
    a,
    b1,
    b2,
    c: combined.slice(firstPrivate),
    h,
    circuitHash: circuit.circuitHash,
  };
}

/** Computes the scalars in a worker, lays them into the shared lists and lets the point workers begin. */
async function provideScalars(task: ScalarsTask, work: PointWork): Promise<KeyScalars> {
  try {
    const scalars = await runWorker(import.meta.url, './scalars.worker.js', task, isKeyScalars);
    const { alpha, beta, gamma, delta } = developmentWaste();
    const { a, b, combined, quotient } = scalars;
    const contents = [b, quotient, a, b, combined, integers([alpha, beta, delta]), integers([beta, gamma, delta])];
    contents.forEach((bytes, list) => {
      new Uint8Array(work.lists[list].scalars).set(bytes);
    });
    setSignal(work, SIGNAL.ready);
    return scalars;
  } catch (error) {
    setSignal(work, SIGNAL.abandoned);
    throw error;
  }
}

function integers(values: readonly bigint[]): Uint8Array {
  return Buffer.concat(values.map((x) => Buffer.from(x.toString(16).padStart(64, '0'), 'hex').reverse()));
}

function isDone(message: unknown): message is 'done' {
  return message === 'done';
}

function isKeyScalars(message: unknown): message is KeyScalars {
  return typeof message === 'object' && message !== null && 'coefficients' in message && 'quotient' in message;
}

async function exportVerificationKey(key: ZkeyContent): Promise<VerificationKey> {
  const { G1, G2 } = await bn254();
  const text = (x: bigint): string => x.toString();
  const g1 = (bytes: Uint8Array): string[] => G1.toObject(G1.fromRprLEM(bytes, 0)).map(text);
  const g2 = (bytes: Uint8Array): string[][] => G2.toObject(G2.fromRprLEM(bytes, 0)).map((pair) => pair.map(text));
  const size = affineBytes('g1m');
  return {
    protocol: 'groth16',
    curve: 'bn128',
    nPublic: key.publicWires,
    vk_alpha_1: g1(key.headerG1.alpha),
    vk_beta_2: g2(key.headerG2.beta),
    vk_gamma_2: g2(key.headerG2.gamma),
    vk_delta_2: g2(key.headerG2.delta),
    IC: Array.from({ length: key.publicWires + 1 }, (_, i) => g1(key.ic.slice(i * size, (i + 1) * size))),
  };
}
