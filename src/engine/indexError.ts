/**
 * Indices are numbers that are fed, so a wrong one is found only where it is used, deep in a run. Each runtime says it in its
 * own words (ONNX Runtime's Gather, ScatterElements and GatherElements, TensorFlow.js' gather and scatter); here they become
 * one sentence. Everything else that a run throws passes through, for whoever knows it.
 */
import { MeedError, messageOf } from '../foundation/index.js';

/** What was wrong, where the words tell; TensorFlow.js speaks of places that were computed from the index. */
const TOLD = /idx=-?\d+ must be within the inclusive range \[[^\]]*\]/;
const UNTOLD =
  /Out of range value in index tensor|the index value -?\d+ is not in \[|Invalid indices: .+ does not index into/;

/** @returns a MeedError for an index out of range, `thrown` itself for anything else */
export function explainIndexError(thrown: unknown): unknown {
  const message = messageOf(thrown);
  const told = TOLD.exec(message);
  if (!told && !UNTOLD.test(message)) return thrown;
  return new MeedError(
    `An index that the graph was fed lies outside what it chooses from${told ? ` (${told[0]})` : ''}`,
    'Check token ids against the vocabulary, and class ids against the number of classes',
    { cause: thrown },
  );
}
