/** The methods that can be compared, by their names in the literature. Adding one: its file beside this one, and one line. */
import { MeedError } from '../../foundation/index.js';
import { gradDotMethod } from './gradDot.js';
import type { Method } from './method.js';

export const METHODS: readonly Method[] = [gradDotMethod];

/** @throws MeedError that lists the known names */
export function findMethod(name: string): Method {
  const found = METHODS.find((method) => method.name === name);
  if (found) return found;
  throw new MeedError(`There is no method "${name}"`, `Choose one of ${METHODS.map((m) => m.name).join(', ')}`, {
    exitCode: 2,
  });
}
