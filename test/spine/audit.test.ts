/** An audit of a real, paid run: the honest one passes every check, and every forgery is found by a check of its own. */
import { copyFileSync, readFileSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../src/chain/auditor/index.js';
import { startNode } from '../../src/chain/index.js';
import { cpuEngine } from '../../src/engine/index.js';
import { afterwards, buildCommand, meed, temporaryFolder } from './support/command.js';
import { editTable, forge } from './support/forge.js';
import { forgeIndex, forgeReceipts, forgeries } from './support/forgeries.js';
import { auditAll, copyOf, failures, makePaidRun, paidRunOptions } from './support/paidRun.js';

const folder = temporaryFolder();
let honest: string;

beforeAll(async () => {
  await buildCommand();
  honest = await makePaidRun(folder);
});

afterAll(async () => {
  expect(await afterwards(5000)).toEqual([]);
});

/** Runs a case on a copy and throws the copy away. */
async function onCopy(name: string, work: (run: string) => Promise<void>): Promise<void> {
  const run = copyOf(honest, name.replaceAll(/\W+/g, '-'));
  try {
    await work(run);
  } finally {
    rmSync(run, { recursive: true });
  }
}

describe('an honest run', () => {
  it('passes every check, whatever is drawn', async () => {
    const result = await auditAll(honest);
    expect(failures(result)).toEqual(new Map());
    expect(result.checks).toHaveLength(11);
    expect(result.passed).toBe(true);
  });

  it('passes after it was rewritten without a change: the forger himself leaves no trace', async () => {
    await onCopy('unchanged', async (run) => {
      await forgeReceipts(run, () => undefined);
      await forgeIndex(run, async () => undefined);
      await forge(run, 'model', async (model) => {
        await editTable(model, 'states', () => undefined);
        return undefined;
      });
      const { checks } = await auditAll(run);
      // a rewritten manifest has another id if one byte of a file differs, and the chain knows the model's
      expect(checks.filter((check) => !check.passed)).toEqual([]);
    });
  });
});

describe('a node that cannot be asked', () => {
  const options = { samples: 1, segments: 1, seed: 1 };

  it('gives a sentence and no verdict when it does not answer', async () => {
    const rpc = 'http://127.0.0.1:1';
    await expect(audit(honest, cpuEngine(), { ...options, rpc })).rejects.toThrow(
      /No node answers at http:\/\/127\.0\.0\.1:1/,
    );
  });

  it('gives a sentence and no verdict when it runs another chain', async () => {
    const node = await startNode({ chainId: 4242 });
    try {
      await expect(audit(honest, cpuEngine(), { ...options, rpc: node.url })).rejects.toThrow(
        /runs chain 4242, not 31337/,
      );
    } finally {
      await node.stop();
    }
  });
});

describe('a forgery', () => {
  it.each(forgeries.map((forgery) => [forgery.what, forgery] as const))(
    'is found: %s',
    async (what, { foundBy, saying, forge: tamper }) => {
      await onCopy(what, async (run) => {
        await tamper(run);
        const found = failures(await auditAll(run));
        expect([...found.keys()]).toContain(foundBy);
        expect(found.get(foundBy)).toMatch(saying);
      });
    },
  );

  it('ends the command with status 1 and names the check', async () => {
    await onCopy('status', async (run) => {
      await forgeReceipts(run, (table) => {
        table.numbers('predictedClass')[0] ^= 1;
        return undefined;
      });
      const { status, stdout } = await meed('audit', run);
      expect(status).toBe(1);
      expect(stdout).toMatch(/^FAIL {2}outputs and their queries: the class of receipt 0 is .*\.$/m);
      expect(stdout).toMatch(/^OK {4}training replayed/m);
    });
  });
});

describe('damage without a new manifest', () => {
  it.each([
    ['dataset', 'train.arrow', 'row hashes and data-set root'],
    ['model', 'states.arrow', 'training replayed'],
    ['index', 'sketches.arrow', 'slots, commitments and index root'],
    ['receipts', 'receipts.arrow', 'outputs and their queries'],
    ['epoch', 'scores.arrow', 'scores on chain'],
    ['proofs', 'proofs.json', 'proofs verified again'],
  ])('%s/%s cut short or missing fails "%s", by the name of the file', async (stage, file, check) => {
    await onCopy(`damage-${stage}`, async (run) => {
      const path = join(run, stage, file);
      truncateSync(path, readFileSync(path).length - 7);
      expect(failures(await auditAll(run)).get(check)).toContain(`${path} has `);
      unlinkSync(path);
      expect(failures(await auditAll(run)).get(check)).toContain(`${path} does not exist`);
    });
  });

  it('a file cut short by a forger who hashes it again is no table', async () => {
    await onCopy('cut', async (run) => {
      await forge(run, 'epoch', async (epoch) => {
        const path = join(epoch, 'scores.arrow');
        truncateSync(path, Math.floor(readFileSync(path).length / 2));
        return undefined;
      });
      expect(failures(await auditAll(run)).get('scores on chain')).toMatch(
        /scores\.arrow is not a readable Arrow file/,
      );
    });
  });
});

describe('another chain', () => {
  it('that never saw the run: every check that asks the chain fails', async () => {
    const node = await startNode();
    try {
      const found = failures(await auditAll(honest, node.url));
      expect([...found.keys()]).toEqual([
        'row hashes and data-set root',
        'sketches of random rows from the encoder',
        'slots, commitments and index root',
        'receipt batches and fees',
        'deployed contracts',
        'scores on chain',
        'split, credits and withdrawals',
      ]);
      expect(found.get('deployed contracts')).toMatch(/the creation of \w+ is not found on chain/);
    } finally {
      await node.stop();
    }
  });

  it('of the same run before it was settled: nothing is settled', async () => {
    await onCopy('unsettled', async (run) => {
      copyFileSync(join(run, 'chain', 'state.json'), join(run, 'payout', 'state.json'));
      const found = failures(await auditAll(run));
      expect(found.get('scores on chain')).toMatch(/the number of settled \(shard, batch\) pairs is 0/);
    });
  });
});

describe('a validator who lies from the start', () => {
  let lied: string;

  beforeAll(async () => {
    lied = copyOf(honest, 'lied');
    // sketches that give the first contributor more, a query that points elsewhere; then registered, proven and settled
    await forgeIndex(lied, async (index) => {
      await editTable(index, 'sketches', (table) => {
        const { values, width } = table.matrix('sketch');
        for (let i = 0; i < 5 * width; i++) values[i] = 127 - (i % 2);
        return undefined;
      });
      return undefined;
    });
    await forgeReceipts(lied, (table) => {
      table.matrix('query').values.fill(1000, 0, 8);
      return undefined;
    });
    for (const stage of ['chain', 'proofs', 'settlement', 'payout']) rmSync(join(lied, stage), { recursive: true });
  });

  it('gets valid proofs and is paid, and the audit finds exactly the float facts that no proof covers', async () => {
    const { status, stdout, stderr } = await meed('demo', ...paidRunOptions(folder), '--out', lied);
    expect(stderr).toMatch(/receipt .*found, not made again/);
    expect(stderr).toMatch(/withdraw .* owners withdrew their credits/);
    expect(status).toBe(1);
    expect(stdout).toContain('The audit FAILED.');
    expect([...failures(await auditAll(lied)).keys()]).toEqual([
      'sketches of random rows from the encoder',
      'outputs and their queries',
    ]);
  });

  it("and whose chain is shown for somebody else's artefacts is found by the commitments", async () => {
    await onCopy('borrowed', async (run) => {
      copyFileSync(join(lied, 'payout', 'state.json'), join(run, 'payout', 'state.json'));
      const found = failures(await auditAll(run));
      expect(found.get('slots, commitments and index root')).toMatch(/the index root on chain is /);
      expect(found.get('receipt batches and fees')).toMatch(/the commitment on chain of batch 0 is /);
      expect(found.get('scores on chain')).toMatch(/^ρ of shard 0, batch 0 is /);
    });
  });
});
