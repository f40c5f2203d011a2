/** `meed demo`: the whole spine, from a data set to a paid and audited claim, and the report of it. */
import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { makeFolder } from '../../artefact/index.js';
import { audit, DEFAULT_AUDIT } from '../../chain/auditor/index.js';
import { compileContracts, openProvider, readEvents } from '../../chain/index.js';
import { DEFAULT_POLICY, readTransactions, withSession } from '../../chain/validator/index.js';
import { readEvaluation } from '../../data/index.js';
import type { ExplainedOutput, IdentityCurve, PayoutChain, StageTime, Summary } from '../../report/index.js';
import { command, runOptions } from '../arguments.js';
import { executeStage } from '../execute.js';
import { Run } from '../run.js';
import { stages } from '../stages.js';
import { startLine, table, tokens } from '../terminal.js';
import { auditText } from './audit.js';

const EXPLAINED_OUTPUTS = 6;
const SAMPLES_SHOWN = 5;

export function demoCommand(): Command {
  return command('demo', 'runs everything: data → train → index → receipts → scores → chain → proof → payout → audit', [
    'data',
    'training',
    'index',
    'receipts',
    'chain',
    'key',
    'work',
    'proving',
  ]).action(async (_, self: Command) => {
    const values = self.opts();
    const run = await Run.open(runOptions(values));
    const summary = await demo(run).finally(() => run.close());
    if (values.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    else process.stdout.write(closing(summary));
    if (!summary.audit.passed) process.exitCode = 1;
  });
}

async function demo(run: Run): Promise<Summary> {
  const { out } = run.options;
  const started = performance.now();
  await makeFolder(resolve(out));
  // circuit, key and contracts take longest the first time: they are made while the model trains
  const preparation = [run.key(run.options.instance), compileContracts()];
  for (const task of preparation) task.catch(() => undefined); // the stage that needs it reports the failure
  const times: StageTime[] = [];
  const ids: Record<string, string> = {};
  let provingSeconds = 0;
  for (const stage of stages) {
    const { seconds, reused, id, provingSeconds: proving } = await executeStage(stage, run);
    times.push({ name: stage.command, seconds, reused });
    ids[stage.name] = id;
    provingSeconds = proving ?? provingSeconds;
  }
  const line = startLine('audit');
  const begun = performance.now();
  const { rpc } = run.options;
  const result = await audit(out, run.engine, { ...DEFAULT_AUDIT, seed: randomInt(2 ** 32), rpc }, () => line.progress);
  times.push({ name: 'audit', seconds: (performance.now() - begun) / 1000, reused: false });
  line.done(result.passed ? `${result.checks.length} checks passed` : 'FAILED');
  const reporting = startLine('report');
  const reportPath = resolve(out, 'report.html');
  const summary = await report(run, { started, times, ids, provingSeconds, audit: result, reportPath });
  reporting.done(reportPath);
  return summary;
}

interface Reported {
  /** When the run began, on performance.now()'s clock. */
  readonly started: number;
  readonly times: StageTime[];
  readonly ids: Readonly<Record<string, string>>;
  readonly provingSeconds: number;
  readonly audit: Summary['audit'];
  readonly reportPath: string;
}

async function report(
  run: Run,
  { started, times, ids, provingSeconds, audit: audited, reportPath }: Reported,
): Promise<Summary> {
  // loaded here, because the plot library takes a second that the other commands need not spend
  const { chooseReceipts, collectChain, collectOutputs, renderReport, summarise } = await import(
    '../../report/index.js'
  );
  const stored = await run.dataset();
  const evaluation = await readEvaluation(run.folder('dataset'));
  const [index, receipts, epoch, registration] = [
    await run.index(),
    await run.receipts(),
    await run.epoch(),
    await run.registration(),
  ];
  const { rpc, chainId } = run.options;
  const events = await withSession(
    { rpc, chainId, from: rpc === undefined ? run.folder('payout') : undefined },
    async (session) => {
      const provider = openProvider(session.url, session.chainId);
      try {
        return await readEvents(provider, registration.deployment);
      } finally {
        provider.destroy();
      }
    },
  );
  const transactions = [
    ...(await readTransactions(run.folder('chain'))),
    ...(await readTransactions(run.folder('settlement'))),
    ...(await readTransactions(run.folder('payout'))),
  ];
  const summary = summarise({
    stored,
    evaluation,
    trained: await run.model(),
    index,
    receipts,
    epoch,
    registration,
    proofs: await run.proofs(),
    events,
    transactions,
    audit: audited,
    stages: times,
    totalSeconds: (performance.now() - started) / 1000,
    provingSeconds,
    ids,
    report: reportPath,
  });
  const sources = { stored, contributors: evaluation, receipts, epoch, policy: DEFAULT_POLICY };
  const outputs = await collectOutputs(sources, chooseReceipts(sources, EXPLAINED_OUTPUTS), SAMPLES_SHOWN);
  const chainSources = { stored, index, receipts, epoch, events };
  const { card } = stored.dataset;
  const html = renderReport({
    summary,
    classes: card.classes,
    featureShape: card.featureShape,
    featureNames: card.featureNames,
    contributorNoun: card.contributorColumn,
    outputs,
    chain: await tracedPayout(outputs, (output) =>
      collectChain({ ...chainSources, chainEpoch: registration.epoch }, output),
    ),
  });
  await writeFile(reportPath, html);
  await writeFile(join(run.options.out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

/** The first explained output of which a payout can be followed to a row. */
async function tracedPayout(
  outputs: readonly ExplainedOutput[],
  follow: (output: ExplainedOutput) => Promise<PayoutChain | undefined>,
): Promise<PayoutChain | undefined> {
  for (const output of outputs) {
    const chain = await follow(output);
    if (chain) return chain;
  }
  return undefined;
}

function closing(summary: Summary): string {
  const rows = summary.payouts.map(({ contributor, planted, rows: n, amount, share, perRow }) => [
    planted === undefined ? contributor : `${contributor} (${planted})`,
    String(n),
    tokens(amount),
    `${(100 * share).toFixed(1)}%`,
    perRow.toFixed(2),
  ]);
  const { completeness, fees } = summary;
  return [
    '',
    table([['contributor', 'rows', 'paid', 'share', 'pay per row (1 = average)'], ...rows]),
    '',
    `${tokens(fees.total)} tokens of fees for ${summary.receipts} outputs: ${tokens(fees.contributors)} to contributors by how much their rows lowered each output's loss, ` +
      `${tokens(fees.modelOwner)} to the model's owner, ${tokens(fees.stakers)} to stakers, ${tokens(fees.platform)} to the platform, ${fees.dust} units of dust.`,
    `Completeness: the scores sum to ${completeness.scoreSum.toFixed(2)} nats where training lowered the losses by ${completeness.lossFall.toFixed(2)} (ratio ${completeness.ratio.toFixed(2)}).`,
    ...identityLines(summary),
    '',
    auditText(summary.audit.checks) + (summary.audit.passed ? 'The audit passed.' : 'The audit FAILED.'),
    summary.keyForgeable
      ? 'The proofs use a development key, which anybody can forge; a real chain needs a ceremony.'
      : '',
    `Report: ${summary.report}`,
    '',
  ].join('\n');
}

/** What splitting into identities would earn the noise contributor, or where nobody is known to be noise, who gains most. */
function identityLines({ identities }: Summary): string[] {
  const gain = ({ points }: IdentityCurve): number => points[points.length - 1].share - points[0].share;
  const noise = identities.find(({ planted }) => planted === 'noise');
  const told = noise ?? identities.toSorted((a, b) => gain(b) - gain(a))[0];
  if (!told) return [];
  const shares = told.points.map(({ share }) => `${(100 * share).toFixed(1)}%`).join(', ');
  const counts = told.points.map(({ identities: n }) => n).join(', ');
  return [`Split into ${counts} identities, ${told.contributor} would get ${shares} of the contributors' pay.`];
}
