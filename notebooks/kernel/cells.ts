/**
 * A notebook's source is an ordinary TypeScript module in the percent format (the one that Jupytext pairs with .ipynb files):
 * a line `// %%` opens a code cell, `// %% [markdown]` a cell of text in comments, and `tags=["…"]` behind either gives it
 * tags. The compiler, the linter and a debugger then see what a reader sees. The trap: a cell is not a scope; a notebook is
 * one module, so a name is declared once in it, and its imports belong to the first code cell.
 */
import { MeedError } from '../../src/foundation/index.js';

export interface Cell {
  readonly kind: 'code' | 'markdown';
  /** Without its marker; of markdown without the comment signs. */
  readonly source: string;
  readonly tags: readonly string[];
  /** Line of its marker in the module, from 1. */
  readonly line: number;
}

const MARKER = /^\/\/ %%(?: \[(markdown)\])?(?: tags=(\[.*\]))?\s*$/;

/** @throws MeedError when a marker cannot be read, text stands before the first cell, or markdown holds code */
export function parseCells(text: string, name: string): Cell[] {
  const lines = text.split('\n');
  const starts = [...lines.keys()].filter((i) => lines[i].startsWith('// %%'));
  if (starts.length === 0 || lines.slice(0, starts[0]).some((line) => line.trim() !== '')) {
    throw new MeedError(`${name} does not begin with a cell`, 'Make its first line `// %%` or `// %% [markdown]`');
  }
  return starts.map((start, k): Cell => {
    const marker = MARKER.exec(lines[start]);
    const at = `${name} line ${start + 1}`;
    if (!marker)
      throw new MeedError(`${at}: "${lines[start]}" opens no cell`, 'Write `// %%`, `[markdown]`, `tags=["…"]`');
    const body = lines.slice(start + 1, starts[k + 1]);
    const kind = marker[1] === 'markdown' ? 'markdown' : 'code';
    const source = (
      kind === 'markdown' ? body.map((line, i) => uncommented(line, `${name} line ${start + 2 + i}`)) : body
    )
      .join('\n')
      .trim();
    return { kind, source, tags: tagsOf(marker[2], at), line: start + 1 };
  });
}

function uncommented(line: string, at: string): string {
  if (line.startsWith('// ')) return line.slice(3);
  if (line === '//' || line.trim() === '') return '';
  throw new MeedError(`${at}: code stands in a markdown cell`, 'Open a code cell with `// %%` above it');
}

function tagsOf(text: string | undefined, at: string): string[] {
  if (text === undefined) return [];
  const tags = parsedJson(text);
  if (Array.isArray(tags) && tags.every((tag): tag is string => typeof tag === 'string')) return tags;
  throw new MeedError(`${at}: tags=${text} is not a JSON list of names`, 'Write tags=["name"]');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
