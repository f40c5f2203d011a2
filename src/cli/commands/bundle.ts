/** `meed bundle`: everything public about a settled epoch in one file, for the off-chain verifier. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { FOLDERS } from '../../chain/auditor/index.js';
import { epochBundle, epochTerms, openProvider, readEvents } from '../../chain/index.js';
import { readRegistration, STATE_FILE, withSession } from '../../chain/validator/index.js';
import { MeedError } from '../../foundation/index.js';
import { readEpoch, readIndex, readProofs, readReceipts } from '../../prover/index.js';
import { command, runOptions } from '../arguments.js';

export function bundleCommand(): Command {
  return command('bundle', 'writes a settled epoch as one JSON file that anyone can verify without Meed', ['chain'])
    .argument('[folder]', 'output folder of the run, instead of --out')
    .option('--file <path>', 'where to write it (default: bundle.json in the output folder)')
    .addHelpText(
      'after',
      '\nThe package meed-verifier judges it, in a browser or in Node:\n' +
        '  import { verifyEpoch } from "meed-verifier";\n' +
        '  const { ok, checks } = await verifyEpoch(await (await fetch("bundle.json")).text());\n',
    )
    .action(async (folder: string | undefined, _, self: Command) => {
      const { file, json, ...values } = self.opts();
      const out = folder ?? runOptions(values).out;
      const target: string = file ?? join(out, 'bundle.json');
      const written = await writeBundle(out, target, values.rpc);
      if (json) process.stdout.write(`${JSON.stringify(written, null, 2)}\n`);
      else process.stdout.write(`${target}  ${written.proofs} proofs, ${written.bytes} bytes\n`);
    });
}

/** Of a proof for a place that the epoch has not; `epochBundle` refuses it by name. */
const NO_SCORES = new BigInt64Array(0);

interface WrittenBundle {
  readonly file: string;
  readonly bytes: number;
  readonly proofs: number;
}

async function writeBundle(out: string, file: string, rpc: string | undefined): Promise<WrittenBundle> {
  const at = (stage: keyof typeof FOLDERS): string => join(out, FOLDERS[stage]);
  const registration = await readRegistration(at('chain'));
  const { deployment, epoch } = registration;
  const scored = await readEpoch(at('epoch'), await readIndex(at('index')), await readReceipts(at('receipts')));
  const { artefact, proofs } = await readProofs(at('proofs'));
  const from = rpc === undefined ? settledState([at('payout'), at('settlement')]) : undefined;
  const bundle = await withSession({ rpc, chainId: deployment.chainId, from }, async (session) => {
    const provider = openProvider(session.url, session.chainId);
    try {
      return epochBundle({
        deployment,
        epoch,
        events: await readEvents(provider, deployment),
        policy: await epochTerms(provider, deployment, epoch),
        keyWords: keyWordsOf(artefact.manifest.facts.keyWords, at('proofs')),
        proofs: proofs.map((proof) => ({ ...proof, scores: scored.scores[proof.shard]?.[proof.batch] ?? NO_SCORES })),
      });
    } finally {
      provider.destroy();
    }
  });
  const text = `${JSON.stringify(bundle)}\n`;
  await writeFile(file, text);
  return { file, bytes: Buffer.byteLength(text), proofs: proofs.length };
}

/** The folder of the last stage that left the chain's state after the settlement. */
function settledState(folders: readonly string[]): string {
  const last = folders.find((folder) => existsSync(join(folder, STATE_FILE)));
  if (last !== undefined) return last;
  throw new MeedError(`${folders[1]} holds no saved chain`, 'Run `meed settle`, or name a node with --rpc');
}

function keyWordsOf(value: unknown, folder: string): bigint[] {
  if (Array.isArray(value) && value.every((word) => typeof word === 'string' && /^[0-9]{1,78}$/.test(word))) {
    return value.map(BigInt);
  }
  throw new MeedError(`The manifest in ${folder} names no verification key`, 'Prove again with `meed prove`');
}
