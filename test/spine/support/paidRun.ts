/**
 * A whole paid run on the real stack: two shards, two batches, four proofs. Made once per test file by the built command
 * line; every case then works on a copy, since a copy costs milliseconds and a run costs proofs.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type AuditResult, audit } from '../../../src/chain/auditor/index.js';
import { cpuEngine } from '../../../src/engine/index.js';
import { meed } from './command.js';
import { csvLines, csvOptions } from './rows.js';

export const SMALL = ['--instance', '4,4,16', '--receipts', '6', '--epochs', '4'];

/** Five contributors of 24 training rows each: five slots, so two shards of four. */
export function paidRunOptions(folder: string): string[] {
  return [...csvOptions(folder, 'rows.csv', csvLines({ contributors: 5, rows: 150 })), ...SMALL];
}

export async function makePaidRun(folder: string): Promise<string> {
  const out = join(folder, 'honest');
  const { status, stderr } = await meed('demo', ...paidRunOptions(folder), '--out', out);
  expect(stderr).toMatch(/audit .* checks passed/);
  expect(status).toBe(0);
  return out;
}

export function copyOf(run: string, name: string): string {
  const copy = `${run}-${name}`;
  cpSync(run, copy, { recursive: true });
  return copy;
}

/** More samples and segments than there are: everything is derived again, so no case depends on what is drawn. */
export function auditAll(run: string, rpc?: string): Promise<AuditResult> {
  return audit(run, cpuEngine({ threads: 1 }), { samples: 10_000, segments: 10_000, seed: 1, rpc });
}

/** What a JavaScript engine says when nobody thought of a case. */
const DEFECT =
  /Cannot (read|convert|mix)|is not (a function|iterable|defined)|\bundefined\b|\[object|Invalid array|\bNaN\b/;

/** Names and details of the checks that failed; each must be a sentence for people. */
export function failures({ passed, checks }: AuditResult): Map<string, string> {
  const failed = checks.filter((check) => !check.passed);
  expect(passed).toBe(failed.length === 0);
  for (const { name, detail } of failed) {
    expect(detail, name).toMatch(/\.$/);
    expect(detail, name).not.toMatch(DEFECT);
  }
  return new Map(failed.map(({ name, detail }) => [name, detail]));
}
