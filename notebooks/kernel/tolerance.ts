/**
 * How far a number may lie from the committed one. A repeated run on one machine gives the same digits; another processor
 * sums in another order, and training amplifies that (design.md, section 3), so small trainings agree to a few per cent.
 */
import type { Tolerance } from './document.js';

export const TOLERANCE: Tolerance = { relative: 0.05, absolute: 0.02 };
