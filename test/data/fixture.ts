/** A data set small enough to read: six training rows of three owners, two held-out rows, two classes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Dataset } from '../../src/data/index.js';
import { MeedError } from '../../src/foundation/index.js';

export function smallDataset(): Dataset {
  return {
    card: {
      name: 'small',
      title: 'Small',
      licence: 'CC0-1.0',
      origin: 'made by the project',
      contributorColumn: 'owner',
      classes: ['no', 'yes'],
      featureShape: [2],
      featureNames: ['height', 'weight'],
      files: [],
      description: 'Six rows.',
    },
    contributors: [{ name: 'ann', note: 'honest' }, { name: 'bob', planted: 'flipped' }, { name: 'çelik' }],
    train: {
      features: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -11, 0.1),
      labels: Int32Array.of(0, 1, 0, 1, 0, 1),
      contributors: Int32Array.of(0, 0, 0, 1, 2, 2),
      rows: 6,
      width: 2,
    },
    heldOut: { features: Float32Array.of(0, 1, 2, 3), labels: Int32Array.of(0, 1), rows: 2, width: 2 },
  };
}

export const smallAddresses = [
  '0x00000000000000000000000000000000000000a1',
  '0x00000000000000000000000000000000000000b2',
  '0x00000000000000000000000000000000000000c3',
];

/** A folder of the running test's own, removed when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'meed-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The MeedError of a refused promise: one sentence for the problem, one for the remedy. */
export async function refusal(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof MeedError)) throw error;
    expect(error.remedy.length).toBeGreaterThan(5);
    expect(error.message).not.toMatch(/\.\. |\.\.$|undefined|\[object/);
    return error.message;
  }
  throw new Error('nothing was refused');
}
