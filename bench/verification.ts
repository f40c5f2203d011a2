/**
 * What verifying costs, one proof at a time and many together: gas of the contract, seconds of the two verifiers off
 * chain, and the size of the one that stands alone. Prints Markdown; `--json FILE` keeps the figures.
 *
 *   npx tsx bench/verification.ts [--json FILE] [--quick]
 *
 * Gas is of the verification alone: a transaction's less its base and its calldata. The floor is what EIP-196 and EIP-197
 * charge for the curve operations that are needed. Proofs are made from known secrets; their values change no cost.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Contract } from 'ethers';
import { verifyEpoch } from '../packages/verifier/src/index.js';
import { createContract } from '../src/chain/deploy.js';
import { Account, compileContracts, startNode } from '../src/chain/index.js';
import { packageRoot } from '../src/foundation/index.js';
import { verify, verifyBatch } from '../src/prover/index.js';
import { forgeableKey } from '../test/chain/forge.js';
import { type VerificationGas, verificationGas } from '../test/chain/verificationGas.js';
import { verificationKeyOf } from '../test/prover/support/forgedKeys.js';
import { cheapProof, makeBundle } from '../test/verifier/support/bundle.js';

const { values } = parseArgs({ options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const SIZES = [1, 2, 4, 8, 16];
const REPEATS = values.quick ? 1 : 5;
const PUBLIC_SIGNALS = 4;
const GAS = { pairing: 45_000, pair: 34_000, multiplication: 6_000, addition: 150 };

/** Gas of the precompiles for n proofs verified apart, and together: weights of 1 save the first two products. */
const floor = {
  single: GAS.pairing + 4 * GAS.pair + PUBLIC_SIGNALS * (GAS.multiplication + GAS.addition),
  batch: (n: number): number =>
    GAS.pairing +
    (n + 3) * GAS.pair +
    (2 * (n - 1) + PUBLIC_SIGNALS + (n > 1 ? 2 : 0)) * GAS.multiplication +
    (n - 1 + PUBLIC_SIGNALS) * GAS.addition,
};

async function gas(): Promise<VerificationGas & { readonly deployment: number }> {
  const node = await startNode();
  const account = await Account.connect(node.url, 31337, { development: 0 });
  try {
    const key = forgeableKey('development');
    const { address, gasUsed } = await createContract(account, 'Groth16Verifier', [key.words]);
    const contract = new Contract(address, (await compileContracts()).Groth16Verifier.abi, account.provider);
    return { ...(await verificationGas(account, contract, key, SIZES)), deployment: Number(gasUsed) };
  } finally {
    account.close();
    await node.stop();
  }
}

/** Median seconds of a task that must say yes. */
async function seconds(task: () => Promise<boolean>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const begun = performance.now();
    if (!(await task())) throw new Error('an honest proof was refused');
    times.push((performance.now() - begun) / 1000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

async function offChain() {
  const secrets = forgeableKey('bench');
  const key = verificationKeyOf(secrets.words);
  const count = SIZES[SIZES.length - 1];
  const proofs = Array.from({ length: count }, (_, i) => {
    const publicSignals = [BigInt(i), 2n, 3n, 4n];
    return { publicSignals, words: cheapProof(secrets, publicSignals) };
  });
  await verifyBatch(key, proofs.slice(0, 1)); // loads the curve
  const single = await seconds(() => verify(key, proofs[0].publicSignals, proofs[0].words));
  const batches = [];
  for (const n of SIZES) {
    const together = await seconds(() => verifyBatch(key, proofs.slice(0, n)));
    batches.push({ proofs: n, seconds: together, secondsEach: together / n });
  }
  const bundle = JSON.stringify(makeBundle());
  const epoch = await seconds(async () => (await verifyEpoch(bundle)).ok);
  return { single, batches, epoch: { proofs: makeBundle().proofs.length, seconds: epoch } };
}

function sizes() {
  const folder = mkdtempSync(join(tmpdir(), 'meed-verifier-'));
  try {
    execFileSync(process.execPath, [join(packageRoot, 'scripts', 'verifier.mjs'), folder]);
    const own = join(folder, 'index.js');
    const whole = join(folder, 'meed-verifier.min.js');
    return {
      ownCode: statSync(own).size,
      withLibraries: statSync(whole).size,
      withLibrariesGzipped: gzipSync(readFileSync(whole)).length,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const figures = { cores: availableParallelism(), gas: await gas(), offChain: await offChain(), bytes: sizes() };
const percent = (part: number): string => `${(100 * part).toFixed(1)}%`;
const { gas: onChain, offChain: here, bytes } = figures;
process.stdout.write(
  [
    `One proof: ${onChain.single} gas to verify (floor ${floor.single}), ${onChain.singleTransaction} the transaction.`,
    `The verifier's deployment: ${onChain.deployment} gas.`,
    '',
    '| proofs together | gas | floor | a proof | saved | off chain, ms a proof |',
    '|---|---|---|---|---|---|',
    ...onChain.batches.map(
      ({ proofs, gas: used, saved }, i) =>
        `| ${proofs} | ${used} | ${floor.batch(proofs)} | ${Math.round(used / proofs)} | ${percent(saved)} | ${(1000 * here.batches[i].secondsEach).toFixed(1)} |`,
    ),
    '',
    `Off chain, one proof alone: ${(1000 * here.single).toFixed(1)} ms.`,
    `verifyEpoch, ${here.epoch.proofs} proofs: ${(1000 * here.epoch.seconds).toFixed(0)} ms.`,
    `The verifier: ${bytes.ownCode} bytes of our own, ${bytes.withLibraries} with its libraries (${bytes.withLibrariesGzipped} gzipped).`,
    '',
  ].join('\n'),
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
