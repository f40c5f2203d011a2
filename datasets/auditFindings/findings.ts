/**
 * The audit findings as they are filed: one JSON object a line. Of each, what a severity can be told from (title and
 * text) and who filed it. The text is other people's and hostile: rows read like instructions, and are only ever counted
 * as words. The trap: several rows name their severity in the text; those words are taken out, or the label would be
 * among the features.
 */
import { MeedError } from '../../src/foundation/index.js';

export const SEVERITIES: readonly string[] = ['medium', 'high'];

export interface Finding {
  readonly text: string;
  /** Index into SEVERITIES. */
  readonly severity: number;
  /** First of those who filed it. */
  readonly auditor: string;
}

/** Words that judge instead of describe. */
const VERDICTS = /\b(?:high|medium|med|low|critical|severity|severe|risk)\b/giu;

/** @throws MeedError naming the file and line of the first line that is not a finding */
export function readFindings(text: string, file: string): Finding[] {
  return text
    .split(/\r?\n/)
    .map((line, i) => ({ line, at: `${file} line ${i + 1}` }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, at }) => readFinding(line, at));
}

function readFinding(line: string, at: string): Finding {
  const remedy = 'Get the file again';
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new MeedError(`${at} is not JSON`, remedy, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null) throw new MeedError(`${at} is not a finding`, remedy);
  const { title, text, severity, contributors } = parsed as Record<string, unknown>;
  const level = typeof severity === 'string' ? SEVERITIES.indexOf(severity) : -1;
  const auditor: unknown = Array.isArray(contributors) ? contributors[0] : undefined;
  if (typeof title !== 'string' || typeof text !== 'string' || level < 0 || typeof auditor !== 'string') {
    throw new MeedError(`${at} lacks a title, a text, a severity of ${SEVERITIES.join(' or ')} or an auditor`, remedy);
  }
  return { text: `${title}\n${text}`.replace(VERDICTS, ' '), severity: level, auditor };
}
