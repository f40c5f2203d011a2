/**
 * The forgeries that an audit must find, one per case: what is changed, which check finds it and what that check says.
 * Every forger is thorough: whatever follows from the change by public rules (row hashes, roots, commitments, score
 * matrices, manifests, lineage) is recomputed, so that only evidence the forger cannot change is left to speak.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../src/artefact/index.js';
import { FOLDERS } from '../../../src/chain/auditor/index.js';
import { readDataset, rowHash, rowTree } from '../../../src/data/index.js';
import type { JsonObject } from '../../../src/foundation/index.js';
import { explainReceipt, writeScores } from '../../../src/influence/index.js';
import { indexCommitments, makeEpoch, readIndex, readReceipts } from '../../../src/prover/index.js';
import {
  type Claim,
  claiming,
  editJson,
  editTable,
  type ForgedTable,
  forge,
  manifestOf,
  renameInputs,
} from './forge.js';

export interface Forgery {
  readonly what: string;
  /** Name of the check that must find it; others may too. */
  readonly foundBy: string;
  readonly saying: RegExp;
  forge(run: string): Promise<void>;
}

const ROWS = 'row hashes and data-set root';
const TRAINING = 'training replayed';
const ENCODER = 'sketches of random rows from the encoder';
const COMMITMENTS = 'slots, commitments and index root';
const OUTPUTS = 'outputs and their queries';
const BATCHES = 'receipt batches and fees';
const SCORES = 'scores on chain';
const PROOFS = 'proofs verified again';
const SPLIT = 'split, credits and withdrawals';

/** A row, its hash, the root. */
async function forgeRow(run: string, row: number, edit: (table: ForgedTable) => void): Promise<void> {
  await forge(run, 'dataset', async (folder, { facts }) => {
    let root = '';
    await editTable(folder, 'train', (table) => {
      edit(table);
      const { values, width } = table.matrix('features');
      const hash = rowHash({
        index: row,
        contributor: table.text('contributor')[row],
        label: table.numbers('label')[row],
        features: Float32Array.from(values.subarray(row * width, (row + 1) * width)),
      });
      table.text('rowHash')[row] = Buffer.from(hash).toString('hex');
      root = rowTree(table.text('rowHash').map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))).root;
      return undefined;
    });
    return { facts: claiming(facts, { root }) };
  });
}

/** Index data, then every commitment and fact that follows from them, then the scores. */
export async function forgeIndex(
  run: string,
  edit: (folder: string, manifest: Manifest) => Promise<Claim | undefined>,
): Promise<void> {
  await forge(run, 'index', edit);
  const stored = await readDataset(join(run, FOLDERS.dataset));
  const commitments = await indexCommitments(await readIndex(join(run, FOLDERS.index)), stored);
  await forge(run, 'index', async (folder, { facts }) => {
    await editTable(folder, 'sketches', (table) => {
      const replace = (name: string, values: readonly bigint[]): void => {
        table.text(name).splice(0, values.length, ...values.map(String));
      };
      replace('rowCommitment', commitments.rowCommitments);
      replace('prefixCommitment', commitments.prefixCommitments);
      replace('leaf', commitments.leaves);
      return undefined;
    });
    const shardCommitments = commitments.shards.map((shard) => String(shard.commitment));
    return { facts: claiming(facts, { root: String(commitments.root), shardCommitments }) };
  });
  await remakeEpoch(run);
}

/** Receipts, then the batches and the score matrices that follow from them. */
export async function forgeReceipts(
  run: string,
  edit: (table: ForgedTable) => readonly number[] | undefined,
  claim: (manifest: Manifest) => Claim | undefined = () => undefined,
): Promise<void> {
  await forge(run, 'receipts', async (folder, manifest) => {
    await editTable(folder, 'receipts', edit);
    return claim(manifest);
  });
  await remakeEpoch(run);
}

async function remakeEpoch(run: string): Promise<void> {
  const { id } = await manifestOf(run, 'epoch');
  const index = await readIndex(join(run, FOLDERS.index));
  const { artefact } = await makeEpoch(
    join(run, FOLDERS.epoch),
    index,
    await readReceipts(join(run, FOLDERS.receipts)),
  );
  await renameInputs(run, 'epoch', new Map([[id, artefact.manifest.id]]));
}

interface ProofEntry {
  readonly shard: number;
  readonly batch: number;
  readonly rho: string;
  readonly evaluation: string;
  readonly words: readonly string[];
}

function forgeProofs(run: string, edit: (proofs: readonly ProofEntry[]) => readonly ProofEntry[]): Promise<void> {
  return forge(run, 'proofs', async (folder) => {
    await editJson(join(folder, 'proofs.json'), edit);
    return undefined;
  });
}

function forgeSecret(folder: string): Promise<void> {
  return editJson<{ secret: string }>(join(folder, 'openings.json'), ({ secret }) => ({
    secret: secret.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
  }));
}

function swap<T>(list: T[], i: number, j: number): void {
  [list[i], list[j]] = [list[j], list[i]];
}

const flipBit = (decimal: string): string => String(BigInt(decimal) ^ 1n);

export const forgeries: readonly Forgery[] = [
  {
    what: "a training row's feature, with its hash and the root",
    foundBy: ROWS,
    saying: /the root on chain is 0x/,
    forge: (run) =>
      forgeRow(run, 3, (table) => {
        table.matrix('features').values[10] += 0.5;
      }),
  },
  {
    what: "a training row's label, with its hash and the root",
    foundBy: ROWS,
    saying: /the root on chain is 0x/,
    forge: (run) =>
      forgeRow(run, 3, (table) => {
        const labels = table.numbers('label');
        labels[3] = (labels[3] + 1) % 3;
      }),
  },
  {
    what: "two contributors' addresses: the data-set root does not hold them",
    foundBy: COMMITMENTS,
    saying: /the index root on chain is /,
    forge: (run) =>
      forge(run, 'dataset', async (folder, { parameters }) => {
        let payoutAddresses: string[] = [];
        await editTable(folder, 'contributors', (table) => {
          swap(table.text('address'), 0, 1);
          payoutAddresses = table.text('address');
          return undefined;
        });
        return { parameters: claiming(parameters, { payoutAddresses }) };
      }),
  },
  {
    what: 'the slots of two contributors',
    foundBy: COMMITMENTS,
    saying: /the index root on chain is /,
    forge: (run) =>
      forgeIndex(run, async (folder) => {
        await editTable(folder, 'slots', (table) => {
          const owners = table.numbers('contributor');
          [owners[0], owners[1]] = [owners[1], owners[0]];
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: 'one entry of one sketch, with all commitments and scores',
    foundBy: COMMITMENTS,
    saying: /the index root on chain is /,
    forge: (run) =>
      forgeIndex(run, async (folder) => {
        await editTable(folder, 'sketches', (table) => {
          const { values } = table.matrix('sketch');
          values[5] = values[5] > 0 ? values[5] - 1 : values[5] + 1;
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: 'the basis of the encoder',
    foundBy: ENCODER,
    saying: /the encoder hash on chain is 0x/,
    forge: (run) =>
      forge(run, 'index', async (folder) => {
        await editTable(folder, 'basis', (table) => {
          table.matrix('basis').values[0] += 1e-3;
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: 'a column scale of the encoder',
    foundBy: ENCODER,
    saying: /the encoder hash on chain is 0x/,
    forge: (run) =>
      forge(run, 'index', async (folder) => {
        await editTable(folder, 'columns', (table) => {
          table.numbers('scale')[0] *= 1.25;
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: 'the class of a calibration output',
    foundBy: ENCODER,
    saying: /the encoder hash on chain is 0x/,
    forge: (run) =>
      forge(run, 'index', async (folder) => {
        await editTable(folder, 'calibration', (table) => {
          const targets = table.numbers('target');
          targets[0] = (targets[0] + 1) % 3;
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: "the secret of the index's salts",
    foundBy: COMMITMENTS,
    saying: /the index root on chain is /,
    forge: (run) =>
      forgeIndex(run, async (folder) => {
        await forgeSecret(folder);
        return undefined;
      }),
  },
  {
    what: "the secret of the receipts' salts",
    foundBy: BATCHES,
    saying: /the commitment on chain of batch 0 is /,
    forge: async (run) => {
      await forge(run, 'receipts', async (folder) => {
        await forgeSecret(folder);
        return undefined;
      });
      await remakeEpoch(run);
    },
  },
  {
    what: 'the facts of the index: its root',
    foundBy: COMMITMENTS,
    saying: /the root in the manifest/,
    forge: (run) => forge(run, 'index', async (_, { facts }) => ({ facts: claiming(facts, { root: '1' }) })),
  },
  {
    what: 'the published commitment of one row',
    foundBy: COMMITMENTS,
    saying: /row commitment 7 /,
    forge: (run) =>
      forge(run, 'index', async (folder) => {
        await editTable(folder, 'sketches', (table) => {
          table.text('rowCommitment')[7] = flipBit(table.text('rowCommitment')[7]);
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: 'one entry of one query, with its batch and scores',
    foundBy: BATCHES,
    saying: /the commitment on chain of batch 0 is /,
    forge: (run) =>
      forgeReceipts(run, (table) => {
        table.matrix('query').values[3] += 1;
        return undefined;
      }),
  },
  {
    what: 'one entry of one query by more than the tolerance',
    foundBy: OUTPUTS,
    saying: /entry 3 of query 0 is /,
    forge: (run) =>
      forgeReceipts(run, (table) => {
        const { values } = table.matrix('query');
        values[3] += values[3] > 0 ? -20 : 20;
        return undefined;
      }),
  },
  {
    what: "a receipt's fee, with every sum",
    foundBy: BATCHES,
    saying: /batch 0's fee 1 is /,
    forge: forgeFee,
  },
  { what: "a receipt's fee, seen by the split", foundBy: SPLIT, saying: /receipt 1 is /, forge: forgeFee },
  {
    what: "an output's class",
    foundBy: OUTPUTS,
    saying: /the class of receipt 2 is /,
    forge: (run) =>
      forgeReceipts(run, (table) => {
        const classes = table.numbers('predictedClass');
        classes[2] = (classes[2] + 1) % 3;
        return undefined;
      }),
  },
  {
    what: "an output's hash",
    foundBy: OUTPUTS,
    saying: /the output hash of receipt 2 is /,
    forge: (run) =>
      forgeReceipts(run, (table) => {
        swap(table.text('outputHash'), 2, 3);
        return undefined;
      }),
  },
  {
    what: 'the sum of scores that completeness is reported by',
    foundBy: OUTPUTS,
    saying: /the score sum of receipt 1 is /,
    forge: (run) =>
      forgeReceipts(run, (table) => {
        table.numbers('scoreSum')[1] *= 1.5;
        return undefined;
      }),
  },
  {
    what: 'the scores that an explanation shows',
    foundBy: OUTPUTS,
    saying: /the explanation by row \d+ of receipt \d is /,
    forge: (run) => forgeExplanations(run, 1.1, 0),
  },
  {
    what: 'whose row an explanation says a sample is',
    foundBy: OUTPUTS,
    saying: /the contributor of row \d+ in the explanation of receipt \d is /,
    forge: (run) => forgeExplanations(run, 1, 1),
  },
  {
    what: 'an output that is no held-out row',
    foundBy: OUTPUTS,
    saying: /the held-out row of receipt 0 is 4000/,
    forge: (run) =>
      forgeReceipts(run, (table) => {
        table.numbers('heldOutRow')[0] = 4000;
        return undefined;
      }),
  },
  {
    what: 'one integer score',
    foundBy: SCORES,
    saying: /Score 5 of block 1 in .*scores\.arrow is /,
    forge: (run) =>
      forge(run, 'epoch', async (folder) => {
        await editTable(folder, 'scores', (table) => {
          table.int64('score')[16 + 5] += 1n;
          return undefined;
        });
        return undefined;
      }),
  },
  {
    what: 'one score too many',
    foundBy: SCORES,
    saying: /scores\.arrow holds 65 scores/,
    forge: (run) =>
      forge(run, 'epoch', async (folder) => {
        await editTable(folder, 'scores', (table) => [...table.int64('score').keys(), 0]);
        return undefined;
      }),
  },
  {
    what: 'one score too few',
    foundBy: SCORES,
    saying: /scores\.arrow holds 63 scores/,
    forge: (run) =>
      forge(run, 'epoch', async (folder) => {
        await editTable(folder, 'scores', (table) => [...table.int64('score').keys()].slice(0, -1));
        return undefined;
      }),
  },
  {
    what: 'a whole batch of receipts left out, with its scores and proofs',
    foundBy: BATCHES,
    saying: /the number of batches on chain is 2, the evidence gives 1/,
    forge: async (run) => {
      await forgeReceipts(run, () => [0, 1, 2, 3]);
      await forgeProofs(run, (proofs) => proofs.filter(({ batch }) => batch === 0));
    },
  },
  {
    what: 'the proof of one batch left out',
    foundBy: PROOFS,
    saying: /the number of proofs is 3, the evidence gives 4/,
    forge: (run) => forgeProofs(run, (proofs) => proofs.slice(0, 3)),
  },
  {
    what: 'one bit of a proof',
    foundBy: PROOFS,
    saying: /the proof of shard 0, batch 1 is not valid/,
    forge: (run) =>
      forgeProofs(run, (proofs) =>
        proofs.map((proof, i) => (i === 1 ? { ...proof, words: proof.words.with(0, flipBit(proof.words[0])) } : proof)),
      ),
  },
  {
    what: 'a proof replayed from another batch',
    foundBy: PROOFS,
    saying: /the proof of shard 0, batch 1 is not valid/,
    forge: (run) =>
      forgeProofs(run, (proofs) => proofs.map((proof, i) => (i === 1 ? { ...proof, words: proofs[0].words } : proof))),
  },
  {
    what: 'a proof replayed from another shard',
    foundBy: PROOFS,
    saying: /the proof of shard 1, batch 0 is not valid/,
    forge: (run) =>
      forgeProofs(run, (proofs) => proofs.map((proof, i) => (i === 2 ? { ...proof, words: proofs[0].words } : proof))),
  },
  {
    what: 'one proof given twice, in the place of another',
    foundBy: PROOFS,
    saying: /the number of proofs of shard 0, batch 0 is 2/,
    forge: (run) => forgeProofs(run, (proofs) => [proofs[0], proofs[1], proofs[2], proofs[0]]),
  },
  {
    what: 'a proof of a shard that does not exist',
    foundBy: PROOFS,
    saying: /the number of proofs of shard 1, batch 1 is 0/,
    forge: (run) => forgeProofs(run, (proofs) => proofs.map((proof, i) => (i === 3 ? { ...proof, shard: 9 } : proof))),
  },
  {
    what: 'the challenge that a proof is published with',
    foundBy: PROOFS,
    saying: /ρ of the proof of shard 0, batch 0 is /,
    forge: (run) =>
      forgeProofs(run, (proofs) => proofs.map((proof, i) => (i === 0 ? { ...proof, rho: flipBit(proof.rho) } : proof))),
  },
  {
    what: 'the weights of a state in the middle of the training',
    foundBy: TRAINING,
    saying: /the replayed drift of the weights of state 3 is /,
    forge: (run) =>
      forgeStates(run, (table) => {
        const { values, width } = table.matrix('parameters');
        values[3 * width + 1] += 0.25;
        return undefined;
      }),
  },
  {
    what: 'the weights of the last state: another model',
    foundBy: ENCODER,
    saying: /the model on chain is 0x/,
    forge: (run) =>
      forgeStates(run, (table) => {
        const { values } = table.matrix('parameters');
        values[values.length - 1] += 0.25;
        return undefined;
      }),
  },
  {
    what: 'states left out, so that no segment is short enough to replay',
    foundBy: TRAINING,
    saying: /state 1's step is .* at most one epoch more/,
    forge: (run) => forgeStates(run, (table) => [0, table.numbers('step').length - 1]),
  },
  {
    what: "the optimiser's velocity of a state",
    foundBy: TRAINING,
    saying: /state 2 is /,
    forge: (run) =>
      forgeStates(run, (table) => {
        const { values, width } = table.matrix('velocity');
        values.fill(1, 2 * width, 3 * width);
        return undefined;
      }),
  },
  {
    what: 'the contract that is said to have settled',
    foundBy: SCORES,
    saying: /is 0, the evidence gives 4/,
    forge: (run) =>
      forge(run, 'chain', async (_, { facts }) => {
        const deployment = facts.deployment as JsonObject;
        const addresses = deployment.addresses as JsonObject;
        const EpochSettlement = `0x${'00'.repeat(19)}11`;
        return {
          facts: claiming(facts, {
            deployment: claiming(deployment, { addresses: claiming(addresses, { EpochSettlement }) }),
          }),
        };
      }),
  },
  {
    what: 'the epoch that is said to be this one',
    foundBy: BATCHES,
    saying: /the number of batches on chain is 0/,
    forge: (run) => forge(run, 'chain', async (_, { facts }) => ({ facts: claiming(facts, { epoch: '5' }) })),
  },
  {
    what: 'an artefact of another lineage: the settlement names other proofs',
    foundBy: 'lineage of the artefacts',
    saying: /the settlement's proofs is /,
    forge: (run) =>
      forge(run, 'settlement', async (_, { inputs }) => ({ inputs: { ...inputs, proofs: '0'.repeat(64) } })),
  },
  {
    what: 'what was withdrawn, as the last manifest tells it',
    foundBy: SPLIT,
    saying: /what 0x.* withdrew by the manifest is /,
    forge: (run) =>
      forge(run, 'payout', async (_, { facts }) => {
        const withdrawn = facts.withdrawn as Record<string, string>;
        const [owner] = Object.keys(withdrawn);
        return { facts: claiming(facts, { withdrawn: { ...withdrawn, [owner]: flipBit(withdrawn[owner]) } }) };
      }),
  },
  {
    what: 'a missing stage',
    foundBy: PROOFS,
    saying: /proofs.* does not exist/,
    forge: (run) => rm(join(run, FOLDERS.proofs), { recursive: true }),
  },
];

/** Every score multiplied, every row given to the contributor so many places further. */
async function forgeExplanations(run: string, factor: number, shift: number): Promise<void> {
  const { dataset } = await readDataset(join(run, FOLDERS.dataset));
  const { train, contributors } = dataset;
  const { receipts } = await readReceipts(join(run, FOLDERS.receipts));
  await forge(run, 'receipts', async (folder) => {
    const path = join(folder, 'scores.parquet');
    const scores = new Float32Array(receipts.length * train.rows);
    for (const q of receipts.keys()) {
      const { helpful, harmful } = await explainReceipt(path, q, train.rows);
      for (const { row, score } of [...helpful, ...harmful]) scores[q * train.rows + row] = factor * score;
    }
    await writeScores(path, {
      scores: { shape: [receipts.length, train.rows], data: scores },
      contributors: Array.from(train.contributors, (c) => contributors[(c + shift) % contributors.length].name),
      labels: train.labels,
    });
    return undefined;
  });
}

function forgeFee(run: string): Promise<void> {
  return forgeReceipts(
    run,
    (table) => {
      table.text('fee')[1] = String(BigInt(table.text('fee')[1]) + 1n);
      return undefined;
    },
    ({ parameters, facts }) => {
      const fees = (parameters.fees as string[]).with(1, String(BigInt((parameters.fees as string[])[1]) + 1n));
      return {
        parameters: claiming(parameters, { fees }),
        facts: claiming(facts, { fees: String(BigInt(String(facts.fees)) + 1n) }),
      };
    },
  );
}

function forgeStates(run: string, edit: (table: ForgedTable) => readonly number[] | undefined): Promise<void> {
  return forge(run, 'model', async (folder) => {
    await editTable(folder, 'states', edit);
    return undefined;
  });
}
