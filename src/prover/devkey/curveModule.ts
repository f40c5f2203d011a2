/**
 * The curve's WebAssembly module, compiled once and handed to every worker.
 * The trap: the curve library cannot be imported inside a worker of ours, because a module that it loads takes any
 * worker thread for one of its own; so workers import `curveMemory.ts` alone and get the module from here.
 */
import { bn254 } from '../curve.js';
import type { CurveModule } from './curveMemory.js';

export async function curveModule(): Promise<CurveModule> {
  const { Fr, tm } = await bn254();
  return {
    module: await WebAssembly.compile(Uint8Array.from(tm.code)),
    generators: { g1m: tm.pG1gen, g2m: tm.pG2gen },
    rootsOfUnity: Fr.w.map((root) => Fr.toObject(root)),
  };
}
