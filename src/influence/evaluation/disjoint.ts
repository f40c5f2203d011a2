/**
 * Queries that settings are chosen on may not be among those that figures are of: the best of many settings looks better
 * on the queries it was chosen on than on any others. Two rows are one query when features and targets are equal.
 */
import { MeedError, sha256 } from '../../foundation/index.js';
import { type Samples, selectSamples } from '../../models/index.js';

/** @throws MeedError naming the first query that is in both */
export function refuseOverlap(heldOut: Samples, evaluation: Samples): void {
  const known = rowNumbers(evaluation);
  for (const [q, name] of rowNames(heldOut).entries()) {
    const at = known.get(name);
    if (at === undefined) continue;
    throw new MeedError(
      `Held-out query ${q} is evaluation query ${at}: settings would be chosen on what they are judged by`,
      'Give held-out queries that are not evaluated',
    );
  }
}

/** The samples without those that are among the others. */
export function samplesNotIn(samples: Samples, others: Samples): Samples {
  const known = rowNumbers(others);
  return selectSamples(
    samples,
    rowNames(samples).flatMap((name, row) => (known.has(name) ? [] : [row])),
  );
}

function rowNumbers(samples: Samples): Map<string, number> {
  return new Map(rowNames(samples).map((name, row) => [name, row]));
}

function rowNames({ rows, width, features, targets }: Samples): string[] {
  const depth = targets.length / Math.max(1, rows);
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return Array.from({ length: rows }, (_, i) =>
    sha256(bytes(features.subarray(i * width, (i + 1) * width)), bytes(targets.subarray(i * depth, (i + 1) * depth))),
  );
}
