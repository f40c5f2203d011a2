/** Methods as a table's rows name them: with choices of their own, told apart by what follows the name. */
import { findMethod, type Method, type Settings } from '../../src/influence/index.js';

export interface Choices {
  readonly defaults: Settings;
  /** Over the defaults; nothing to choose unless told. */
  readonly grid?: Method['grid'];
}

/** @param suffix as it stands behind the method's name, with its space */
export function variant(method: Method, suffix: string, { defaults, grid = [] }: Choices): Method {
  return { ...method, name: `${method.name}${suffix}`, defaults: { ...method.defaults, ...defaults }, grid };
}

export const named = (...names: readonly string[]): Method[] => names.map((name) => findMethod(name));

export const dampings = (...of: readonly number[]): Settings[] => of.map((damping) => ({ damping }));

/** TRAK as the literature has it, with k directions, on the trained weights. */
export const trak = (columns: number): Method =>
  variant(findMethod('trak'), ` (k = ${columns})`, { defaults: { columns }, grid: dampings(1e-4, 1e-3, 0.1, 1) });

/** Of the trained weights alone, where trying every epoch would take hours. */
export function atTheEnd(name: string, grid: Method['grid']): Method {
  const method = findMethod(name);
  const { epoch: _, ...defaults } = method.defaults;
  const whole = (settings: Settings): Settings => ({ ...method.defaults, ...settings });
  const { sweep } = method;
  return {
    ...method,
    defaults,
    grid,
    open: (attribution, settings, options) => method.open(attribution, whole(settings), options),
    ...(sweep && {
      sweep: (attribution, settings, outputs, options) => sweep(attribution, settings.map(whole), outputs, options),
    }),
  };
}
