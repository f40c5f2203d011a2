/**
 * Matrix products on the engine, for matrices that are not part of a model, and other small programs of a decomposition.
 * Programs are kept by name until `dispose`: whoever multiplies many shapes cuts its work so that shapes repeat, or opens
 * products of its own. Everything is row-major. Threads wait asleep: two that spin until the other has done its part of a
 * large product hinder each other where other processes have the cores too.
 * The trap: a result is memory new to the process, and first touching it can cost more than computing it, so a program
 * gives back a thick product once rather than thin ones to be summed here.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { type Graph, GraphBuilder, matmul, type Precision, type Shape, transpose } from '../graph/index.js';

/** 'ab' = a·b, 'aTb' = aᵀ·b, 'abT' = a·bᵀ. */
export type ProductForm = 'ab' | 'aTb' | 'abT';

export interface Products<P extends Precision = 'float32'> {
  readonly precision: P;
  /** @throws MeedError when the shapes do not fit */
  multiply(form: ProductForm, a: Tensor<P>, b: Tensor<P>): Promise<Tensor<P>>;
  /** The program of this name, compiled the first time; the name must hold everything that decides the graph. */
  program(name: string, graph: () => Graph): Promise<Program<P>>;
  dispose(): Promise<void>;
}

export function openProducts(engine: Engine): Products;
export function openProducts<P extends Precision>(engine: Engine, precision: P): Products<P>;
export function openProducts(engine: Engine, precision: Precision = 'float32'): Products<Precision> {
  const programs = new Map<string, Promise<Program<Precision>>>();
  const compiled = (name: string, graph: () => Graph): Promise<Program<Precision>> => {
    let program = programs.get(name);
    if (!program) {
      program = engine.compile<Precision>(graph(), { precision, waiting: 'asleep' });
      programs.set(name, program);
      // what did not compile is not there to be disposed of
      program.catch(() => programs.delete(name));
    }
    return program;
  };
  return {
    precision,
    program: compiled,
    async multiply(form, a, b) {
      const program = await compiled(`${form} ${a.shape} ${b.shape}`, () => productGraph(form, a.shape, b.shape));
      return (await program.run({ a, b })).c;
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}

function productGraph(form: ProductForm, a: Shape, b: Shape): Graph {
  const g = new GraphBuilder();
  const left = g.input('a', a);
  const right = g.input('b', b);
  const c = matmul(g, form === 'aTb' ? transpose(g, left) : left, form === 'abT' ? transpose(g, right) : right);
  return g.build({ c });
}
