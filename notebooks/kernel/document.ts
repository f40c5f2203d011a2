/**
 * Notebooks as files: nbformat 4.5, the JSON that Jupyter writes and that GitHub, VS Code and nbviewer show with its outputs.
 * Only what Meed's notebooks hold is written: text, code and displayed data. What is read was written by anybody, so its
 * shape is checked before it is compared with anything.
 */
import { MeedError } from '../../src/foundation/index.js';
import type { Cell } from './cells.js';

/** One displayed thing, in one or more forms by media type. */
export type Output = Readonly<Record<string, string>>;

export interface NotebookCell {
  readonly kind: Cell['kind'];
  readonly source: string;
  readonly tags: readonly string[];
  readonly outputs: readonly Output[];
}

/** Numbers of a second run may differ by the larger of both (`compare.ts`). */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

export function encodeNotebook(cells: readonly NotebookCell[]): string {
  const document = {
    cells: cells.map((cell, i) => encodeCell(cell, i)),
    metadata: {
      jupytext: { formats: 'ipynb,ts:percent' },
      language_info: { file_extension: '.ts', mimetype: 'text/x-typescript', name: 'typescript' },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function encodeCell({ kind, source, tags, outputs }: NotebookCell, i: number): object {
  const common = {
    cell_type: kind,
    id: `cell-${i}`,
    metadata: tags.length > 0 ? { tags } : {},
    source: linesOf(source),
  };
  if (kind === 'markdown') return common;
  return {
    ...common,
    execution_count: null,
    outputs: outputs.map((output) => ({
      output_type: 'display_data',
      data: Object.fromEntries(Object.entries(output).map(([type, text]) => [type, linesOf(text)])),
      metadata: {},
    })),
  };
}

/** As nbformat cuts texts: every line with its break. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/** @throws MeedError when the text is not a notebook of text, code and displayed data */
export function decodeNotebook(text: string, name: string): NotebookCell[] {
  const refuse = (what: string): never => {
    throw new MeedError(`${name} ${what}`, `Run the notebook again`);
  };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return refuse('is not JSON');
  }
  const cells = isObject(document) && document.nbformat === 4 ? document.cells : undefined;
  if (!Array.isArray(cells)) return refuse('is not a notebook of nbformat 4');
  return cells.map((cell: unknown, i): NotebookCell => {
    if (!isObject(cell) || (cell.cell_type !== 'code' && cell.cell_type !== 'markdown')) {
      return refuse(`holds a cell ${i} that is neither code nor markdown`);
    }
    const source = joined(cell.source);
    const outputs = cell.cell_type === 'code' ? cell.outputs : [];
    const tags = isObject(cell.metadata) ? (cell.metadata.tags ?? []) : [];
    if (source === undefined || !Array.isArray(outputs) || !isTexts(tags)) return refuse(`holds a malformed cell ${i}`);
    return {
      kind: cell.cell_type,
      source,
      tags,
      outputs: outputs.map(
        (output) => decodeOutput(output) ?? refuse(`holds an output in cell ${i} that shows nothing`),
      ),
    };
  });
}

function decodeOutput(output: unknown): Output | undefined {
  if (!isObject(output) || !isObject(output.data)) return undefined;
  const forms: Record<string, string> = {};
  for (const [type, value] of Object.entries(output.data)) {
    const text = joined(value);
    if (text === undefined) return undefined;
    forms[type] = text;
  }
  return forms;
}

function joined(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isTexts(value) ? value.join('') : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
