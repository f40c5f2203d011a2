/** The notebooks' machinery: cells are cut as written, files survive a round trip, a comparison sees what it should. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCells } from '../../notebooks/kernel/cells.js';
import { differences, textDifference } from '../../notebooks/kernel/compare.js';
import { decodeNotebook, encodeNotebook, type NotebookCell } from '../../notebooks/kernel/document.js';
import { runSource } from '../../notebooks/kernel/execute.js';
import { packageRoot } from '../../src/foundation/index.js';

const SOURCE = `// %% [markdown]
// # Title
//
// Text.

// %%
const a = 1;

// %% tags=["illustration"]
const b = a + 1;
`;
const EXACT = { relative: 0, absolute: 0 };

describe('parseCells', () => {
  it('cuts a module at its markers', () => {
    expect(parseCells(SOURCE, 'a.ts')).toEqual([
      { kind: 'markdown', source: '# Title\n\nText.', tags: [], line: 1 },
      { kind: 'code', source: 'const a = 1;', tags: [], line: 6 },
      { kind: 'code', source: 'const b = a + 1;', tags: ['illustration'], line: 9 },
    ]);
  });

  it.each([
    ['const a = 1;\n// %%\n', /^a\.ts does not begin with a cell/],
    ['', /does not begin with a cell/],
    ['// %% [python]\n', /a\.ts line 1: "\/\/ %% \[python\]" opens no cell/],
    ['// %% tags=[1]\n', /line 1: tags=\[1\] is not a JSON list of names/],
    ['// %% tags=[x]\n', /tags=\[x\] is not a JSON list/],
    ['// %% [markdown]\n// text\nconst a = 1;\n', /a\.ts line 3: code stands in a markdown cell/],
  ])('refuses %j', (text, sentence) => {
    expect(() => parseCells(text, 'a.ts')).toThrow(sentence);
  });
});

function cell(outputs: NotebookCell['outputs'], tags: readonly string[] = []): NotebookCell {
  return { kind: 'code', source: 'f();\ng();', tags, outputs };
}

describe('a notebook file', () => {
  const cells: NotebookCell[] = [
    { kind: 'markdown', source: '# A\n\ntext', tags: [], outputs: [] },
    cell([{ 'text/plain': 'a\nb\n', 'text/html': '<b>a</b>' }, { 'text/plain': '' }], ['illustration']),
  ];

  it('is read as it was written', () => {
    expect(decodeNotebook(encodeNotebook(cells), 'a.ipynb')).toEqual(cells);
  });

  it('is what nbformat 4.5 asks for: ids, outputs of code only, texts by line', () => {
    const document: unknown = JSON.parse(encodeNotebook(cells));
    expect(document).toMatchObject({
      nbformat: 4,
      nbformat_minor: 5,
      cells: [
        { cell_type: 'markdown', id: 'cell-0', source: ['# A\n', '\n', 'text'] },
        {
          cell_type: 'code',
          id: 'cell-1',
          execution_count: null,
          metadata: { tags: ['illustration'] },
          outputs: [{ output_type: 'display_data', metadata: {}, data: { 'text/plain': ['a\n', 'b\n'] } }, {}],
        },
      ],
    });
    expect(encodeNotebook(cells)).not.toMatch(/"outputs"[^\]]*"cell_type": "markdown"/);
  });

  it.each([
    ['{', /a\.ipynb is not JSON/],
    ['[]', /not a notebook of nbformat 4/],
    ['{"nbformat":3,"cells":[]}', /not a notebook of nbformat 4/],
    ['{"nbformat":4,"cells":[{"cell_type":"raw"}]}', /a cell 0 that is neither code nor markdown/],
    ['{"nbformat":4,"cells":[{"cell_type":"code","source":[1],"outputs":[]}]}', /a malformed cell 0/],
    ['{"nbformat":4,"cells":[{"cell_type":"code","source":"","outputs":[{"text":"x"}]}]}', /an output in cell 0/],
  ])('that holds %s is refused', (text, sentence) => {
    expect(() => decodeNotebook(text, 'a.ipynb')).toThrow(sentence);
  });
});

describe('a comparison', () => {
  it('allows numbers their tolerance, whichever is larger, and nothing more', () => {
    const tolerance = { relative: 0.05, absolute: 0.02 };
    expect(textDifference('AUC 0.98 of 100', 'AUC 0.97 of 104', tolerance)).toBeUndefined();
    expect(textDifference('AUC 0.98', 'AUC 0.92', tolerance)).toBe('0.98 was shown, now 0.92');
    expect(textDifference('score −0.5', 'score 0.5', tolerance)).toContain('−0.5 was shown');
    expect(textDifference('1e-9', '0.01', tolerance)).toBeUndefined();
  });

  it('allows words nothing, and columns their width', () => {
    const wide = { relative: 1, absolute: 1 };
    expect(textDifference('ada 1', 'bob 1', wide)).toBe('"ada " was shown, now "bob "');
    expect(textDifference('a 1', 'a 1 2', wide)).toBeDefined();
    expect(textDifference('a 1', 'a NaN', wide)).toBeDefined();
    expect(textDifference('a   9.9', 'a 10', wide)).toBeUndefined();
  });

  it('names cell and output', () => {
    const before = [cell([{ 'text/plain': '1' }, { 'text/plain': '2' }])];
    expect(differences(before, before, EXACT)).toEqual([]);
    expect(differences(before, [cell([{ 'text/plain': '1' }, { 'text/plain': '3' }])], EXACT)).toEqual([
      'Cell 0, output 1: text/plain: 2 was shown, now 3',
    ]);
    expect(differences(before, [cell([{ 'text/plain': '1' }])], EXACT)[0]).toContain(
      'showed 2 outputs, now it shows 1',
    );
    expect(differences(before, [{ ...before[0], source: 'h();' }], EXACT)[0]).toContain(
      'no longer the one that was run',
    );
    expect(differences(before, [], EXACT)[0]).toContain('There were 1 cells');
    expect(differences(before, [cell([{ 'text/html': '1' }, { 'text/plain': '2' }])], EXACT)[0]).toContain('text/html');
  });

  it('leaves the content of illustrations alone, not their kind', () => {
    const drawn = (output: Record<string, string>) => [cell([output], ['illustration'])];
    expect(differences(drawn({ 'image/svg+xml': 'a' }), drawn({ 'image/svg+xml': 'b' }), EXACT)).toEqual([]);
    expect(differences(drawn({ 'image/svg+xml': 'a' }), drawn({ 'text/plain': 'a' }), EXACT)).toHaveLength(1);
  });
});

describe('running a source', () => {
  const display = "import * as display from './kernel/display.js';";

  it('gives each cell what it showed, in order', async () => {
    const cells = await runSource(
      `// %%\n${display}\ndisplay.say('one');\n// %% [markdown]\n// text\n// %%\nconst later = async () => display.table([{ a: '<b>', n: 2 }]);\nawait later();\n`,
      'shown.ts',
    );
    expect(cells.map(({ outputs }) => outputs)).toEqual([
      [{ 'text/plain': 'one' }],
      [],
      [{ 'text/plain': 'a    n\n<b>  2', 'text/html': expect.stringContaining('&lt;b&gt;') }],
    ]);
  });

  it('says the line of a cell that throws, and leaves nothing behind', async () => {
    const source = `// %%\n${display}\n// %%\nthrow new Error('broken on purpose');\n`;
    await expect(runSource(source, 'throws.ts')).rejects.toThrow(
      /throws\.ts stopped: [\s\S]*throws\.ts:4[\s\S]*broken on purpose/,
    );
    expect(readdirSync(join(packageRoot, '.cache', 'notebooks')).filter((name) => name.includes('throws.ts'))).toEqual(
      [],
    );
  });
});
