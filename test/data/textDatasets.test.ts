import { describe, expect, it } from 'vitest';
import { readFindings, SEVERITIES } from '../../datasets/auditFindings/findings.js';
import { auditFindings } from '../../datasets/auditFindings.js';
import { AUTHORS, collectors, dealSentences } from '../../datasets/spookyAuthors/collectors.js';
import { readSentences, spookyAuthors } from '../../datasets/spookyAuthors.js';
import { fetchDatasetFile, rowsPerContributor } from '../../src/data/index.js';
import { Random, silent } from '../../src/foundation/index.js';
import { refusal, temporaryFolder } from './fixture.js';

const here = process.env.MEED_DATASETS !== undefined;
if (!here) console.log('texts: tests on the real files are skipped, MEED_DATASETS names no folder');

describe('spooky authors', () => {
  it('reads quoted sentences and names the row that is none', async () => {
    expect(readSentences('id,text,author\n1,"It is ""so"", he said",HPL\n', 'a.csv')).toEqual([
      { text: 'It is "so", he said', author: 1 },
    ]);
    expect(await refusal(() => readSentences('id,text,author\n1,x,ABC\n', 'a.csv'))).toContain(
      'a.csv row 2 (1) has the author "ABC", known are EAP, HPL, MWS',
    );
    expect(await refusal(() => readSentences('id,text,author\n1,"x\n', 'a.csv'))).toContain(
      'a.csv is not readable CSV',
    );
  });

  it('deals each sentence once, to the collectors that want its author', () => {
    const authors = Int32Array.from({ length: 4000 }, (_, i) => i % AUTHORS.length);
    const deal = dealSentences(authors, 200, new Random(1));
    const all = [...deal.train.map(({ sentence }) => sentence), ...deal.heldOut];
    expect(new Set(all).size).toBe(all.length);
    for (const [c, { rows }] of collectors.entries()) {
      const own = deal.train.filter(({ collector }) => collector === c);
      expect(AUTHORS.map((_, author) => own.filter(({ sentence }) => authors[sentence] === author).length)).toEqual(
        rows,
      );
    }
  });
});

describe('audit findings', () => {
  const line = (fields: object) => `${JSON.stringify(fields)}\n`;
  const good = {
    title: 'High: a severe risk',
    text: 'medium rare <b>',
    severity: 'high',
    contributors: ['ann', 'bob'],
  };

  it('reads findings without the words that judge', () => {
    const [finding] = readFindings(line(good), 'f.jsonl');
    expect(finding.text.split(/\s+/).filter((word) => word !== '')).toEqual([':', 'a', 'rare', '<b>']);
    expect([finding.severity, finding.auditor]).toEqual([SEVERITIES.indexOf('high'), 'ann']);
  });

  it('names the line that is no finding', async () => {
    expect(await refusal(() => readFindings(`${line(good)}{`, 'f.jsonl'))).toContain('f.jsonl line 2 is not JSON');
    expect(await refusal(() => readFindings('[]\nnull', 'f.jsonl'))).toContain('f.jsonl line 1 lacks a title');
    expect(await refusal(() => readFindings(line({ ...good, severity: 'grave' }), 'f'))).toContain('f line 1 lacks');
    expect(await refusal(() => readFindings(line({ ...good, contributors: [] }), 'f'))).toContain('or an auditor');
  });
});

it('files behind a sign-in are asked of the person, never fetched', async () => {
  const [file] = spookyAuthors.card.files;
  const problem = await refusal(() =>
    fetchDatasetFile({ ...file, path: 'nowhere/else.csv.gz' }, { folder: temporaryFolder(), progress: silent }),
  );
  expect(problem).toContain('nowhere/else.csv.gz cannot be downloaded by a program. Sign in at https://www.kaggle.com');
  expect(problem).toContain('in a folder that MEED_DATASETS names');
});

describe.skipIf(!here)('the real texts', () => {
  it('have the contributors and classes that the cards say', async () => {
    const spooky = await spookyAuthors.load({ seed: 1, progress: silent });
    expect(rowsPerContributor(spooky)).toEqual(collectors.map(({ rows }) => rows.reduce((sum, n) => sum + n, 0)));
    expect(spooky.heldOut.rows).toBe(600);
    const audits = await auditFindings.load({ seed: 1, progress: silent });
    expect(audits.train.rows + audits.heldOut.rows).toBe(1238);
    expect(audits.contributors.at(-1)?.name).toBe('other auditors');
    expect(
      rowsPerContributor(audits)
        .slice(0, -1)
        .every((rows) => rows >= 15),
    ).toBe(true);
    expect(audits.card.description).not.toMatch(/reentran/i);
  });
});
