/**
 * Matrix products on the engine, for matrices that are not part of a model. Programs are kept by shape.
 * Everything is row-major float32.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { GraphBuilder, matmul, transpose } from '../graph/index.js';

/** 'ab' = a·b, 'aTb' = aᵀ·b, 'abT' = a·bᵀ. */
export type ProductForm = 'ab' | 'aTb' | 'abT';

export interface Products {
  multiply(form: ProductForm, a: Tensor, b: Tensor): Promise<Tensor>;
  dispose(): Promise<void>;
}

export function openProducts(engine: Engine): Products {
  const programs = new Map<string, Promise<Program>>();
  const compile = (form: ProductForm, a: Tensor, b: Tensor): Promise<Program> => {
    const g = new GraphBuilder();
    const left = g.input('a', a.shape);
    const right = g.input('b', b.shape);
    const c = matmul(g, form === 'aTb' ? transpose(g, left) : left, form === 'abT' ? transpose(g, right) : right);
    return engine.compile(g.build({ c }));
  };
  return {
    async multiply(form, a, b) {
      const key = `${form} ${a.shape} ${b.shape}`;
      let program = programs.get(key);
      if (!program) {
        program = compile(form, a, b);
        programs.set(key, program);
      }
      return (await (await program).run({ a, b })).c;
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}
