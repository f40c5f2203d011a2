import { JSDOM } from 'jsdom';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/index.js';
import { HOSTILE, hostileReport, pictureReport, tableReport } from './fixture.js';

function parsed(text: string): Document {
  return new JSDOM(text).window.document;
}

describe('renderReport', () => {
  it('is a pure function of its data', () => {
    const data = pictureReport();
    expect(renderReport(data)).toBe(renderReport(data));
  });

  it('refers to nothing outside itself', () => {
    for (const text of [pictureReport(), tableReport(), hostileReport()].map(renderReport)) {
      const page = parsed(text);
      const references = [...page.querySelectorAll('[src], [href], [srcset], [action], [data]')].map(
        (element) => element.getAttribute('src') ?? element.getAttribute('href') ?? 'other',
      );
      for (const reference of references) expect(reference).toMatch(/^(data:|#)/);
      expect(text).not.toMatch(/url\(|@import|https?:\/\//);
    }
  });

  it('leaves hostile text as text, in every place', () => {
    const page = parsed(renderReport(hostileReport()));
    const tags = new Set([...page.querySelectorAll('*')].map((element) => element.tagName.toLowerCase()));
    expect(tags).not.toContain('script');
    expect(page.querySelector('[onerror]')).toBeNull();
    expect([...page.querySelectorAll('img')].every((image) => image.src.startsWith('data:image/png'))).toBe(true);
    expect(page.querySelector('#contributors tbody th')?.textContent).toContain(HOSTILE.replace('\u202E', '\uFFFD'));
    expect(page.documentElement.outerHTML).not.toContain('\u202E');
  });

  it('adds no element for hostile text', () => {
    const benign = parsed(renderReport(pictureReport())).querySelectorAll('img, a, script, style').length;
    expect(parsed(renderReport(hostileReport())).querySelectorAll('img, a, script, style')).toHaveLength(benign);
  });

  it('names every contributor with its full amount, and labels the planted ones in words', () => {
    const data = pictureReport();
    const rows = [...parsed(renderReport(data)).querySelectorAll('#contributors tbody tr')];
    expect(rows).toHaveLength(data.summary.payouts.length);
    for (const { contributor, planted, amount } of data.summary.payouts) {
      const row = rows.find((each) => each.querySelector('bdi')?.textContent === contributor);
      expect(row?.querySelector('data')?.getAttribute('value')).toBe(amount);
      expect(row?.querySelector('th')?.textContent?.includes(planted ?? '■')).toBe(planted !== undefined);
    }
  });

  it('says what was not proven, and that a development key can be forged only where one was used', () => {
    const said = (text: string): string => parsed(text).querySelector('.claims')?.textContent ?? '';
    expect(said(renderReport(pictureReport()))).toContain('can forge');
    expect(said(renderReport(tableReport()))).not.toContain('can forge');
    for (const text of [pictureReport(), tableReport()].map(renderReport)) {
      expect(said(text)).toContain('That attribution is right.');
      expect(said(text)).toContain('Scores are public');
    }
  });

  it('shows a failed audit as failed, with its failed checks first', () => {
    const page = parsed(renderReport(tableReport()));
    expect(page.querySelector('.badge')?.className).toContain('failed');
    const results = [...page.querySelectorAll('#audit tbody td:nth-child(2)')].map((cell) => cell.textContent);
    expect(results.map((result) => result?.includes('failed'))).toEqual([true, ...Array(8).fill(false)]);
  });

  it('stands an empty run: nobody paid, nothing explained', () => {
    const { summary } = pictureReport();
    const bare = {
      ...summary,
      payouts: [],
      identities: [],
      transactions: [],
      stages: [],
      provingSeconds: 0,
      fees: { total: '0', platform: '0', modelOwner: '0', stakers: '0', contributors: '0', dust: '0' },
      completeness: { sumOverMagnitude: Number.NaN, scoreSum: 0, lossFall: 0, ratio: Number.NaN },
    };
    const page = parsed(renderReport({ summary: bare, classes: [], featureShape: [2], outputs: [] }));
    expect(page.querySelector('h1')?.textContent).toContain('0 contributors earned 0 MEED');
    expect(page.body.textContent).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('refuses an amount that is not a whole number of units', () => {
    const data = pictureReport();
    const fees = { ...data.summary.fees, total: '1.5' };
    expect(() => renderReport({ ...data, summary: { ...data.summary, fees } })).toThrow(/"1\.5" is not a whole number/);
  });
});
