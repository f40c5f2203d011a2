/**
 * Web3 audit findings: what auditors reported in contests, the label is the severity that the judges gave. Auditors with
 * enough rows are contributors by name, all others are one. Only hashed words of the findings enter; their text belongs to
 * its authors and is neither copied nor published.
 * The trap: the judges' verdict often stands in the text itself (`auditFindings/findings.ts` takes it out).
 */
import {
  type Dataset,
  type DatasetCard,
  type DatasetFile,
  type DatasetSource,
  encodeTexts,
  fetchDatasetFile,
  fitTextRule,
  gatherRows,
  gatherTrainRows,
  type LoadOptions,
  stratifiedSplit,
  validateDataset,
} from '../src/data/index.js';
import { Random } from '../src/foundation/index.js';
import { readFindings, SEVERITIES } from './auditFindings/findings.js';

const WIDTH = 512;
/** Findings that an auditor has at least to be a contributor by name. */
const FEWEST_FINDINGS = 30;

const file: DatasetFile = {
  path: 'web3-audit-findings/c4_findings.jsonl',
  url: 'https://github.com/ZhangZhuoSJTU/Web3Bugs',
  bytes: 2_878_357,
  sha256: 'd7b188e14ec79566991a0769f97857188cdfe425390a5511be09e4bbcab4bad8',
  byHand:
    'Collect the contest reports that https://github.com/ZhangZhuoSJTU/Web3Bugs lists, one JSON object a line with title, text, severity and contributors',
};

const card: DatasetCard = {
  name: 'audit-findings',
  title: 'Web3 audit findings by severity',
  licence: "MIT of the collection; the text is the auditors' and is not republished",
  origin: 'https://github.com/ZhangZhuoSJTU/Web3Bugs',
  contributorColumn: 'auditor',
  classes: [...SEVERITIES],
  featureShape: [WIDTH],
  files: [file],
  description:
    'Findings of audit contests as hashed tf-idf of their words without words of judgement; the label is the severity. Auditors with at least thirty findings are contributors, the others are one; a fifth of each severity is held out.',
};

export const auditFindings: DatasetSource = {
  card,
  async load({ seed, folder, progress }: LoadOptions): Promise<Dataset> {
    const text = new TextDecoder().decode(await fetchDatasetFile(file, { folder, progress }));
    const findings = readFindings(text, file.path);
    const names = auditorsOf(findings.map(({ auditor }) => auditor));
    const others = names.length;
    const contributors = Int32Array.from(findings, ({ auditor }) => {
      const at = names.indexOf(auditor);
      return at < 0 ? others : at;
    });
    const labels = Int32Array.from(findings, ({ severity }) => severity);
    const rows = stratifiedSplit(
      { features: new Float32Array(0), labels, contributors, width: 0 },
      Random.named(seed, 'audit-findings/held-out'),
    );
    const rule = fitTextRule(
      rows.train.map((row) => findings[row].text),
      { width: WIDTH, seed },
    );
    const features = encodeTexts(
      rule,
      findings.map((finding) => finding.text),
    );
    const table = { features, labels, contributors, width: WIDTH };
    const merged = new Set(findings.map(({ auditor }) => auditor).filter((auditor) => !names.includes(auditor))).size;
    const dataset: Dataset = {
      card,
      contributors: [
        ...names.map((name) => ({ name })),
        { name: 'other auditors', note: `${merged} auditors with fewer than ${FEWEST_FINDINGS} findings each` },
      ],
      train: gatherTrainRows(table, rows.train),
      heldOut: gatherRows(table, rows.heldOut),
    };
    validateDataset(dataset);
    return dataset;
  },
};

/** Auditors with enough findings, the most diligent first. */
function auditorsOf(auditors: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const auditor of auditors) counts.set(auditor, (counts.get(auditor) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= FEWEST_FINDINGS)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([auditor]) => auditor);
}
