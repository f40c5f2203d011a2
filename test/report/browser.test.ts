import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/index.js';
import { findChromium, openChromium } from './browser.js';
import { hostileReport, pictureReport, tableReport } from './fixture.js';

const executable = findChromium();
if (executable === undefined) {
  console.warn('No Chromium was found in /usr/bin, the PATH or CHROME_PATH: the report is not opened in a browser');
}

const reports = { pictures: pictureReport, 'tables and a failed audit': tableReport, 'hostile text': hostileReport };

describe.skipIf(executable === undefined).each(Object.entries(reports))('a report with %s, in Chromium', (_, data) => {
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  const asked: string[] = [];

  beforeAll(async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'meed-report-')), 'report.html');
    writeFileSync(file, renderReport(data()));
    context = await openChromium(executable ?? '');
    page = await context.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
  });

  afterAll(async () => {
    await context?.close();
  });

  it.each([360, 1280])('does not scroll sideways at %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    const { content, view } = await page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      view: document.documentElement.clientWidth,
    }));
    expect(content).toBeLessThanOrEqual(view);
  });

  it.each([360, 1280])('shows every plot once at %i pixels, inside its column, with its marks', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    const plots = await page.locator('svg.plot:visible').evaluateAll((elements) =>
      elements.map((element) => {
        const { width: w, height: h, right } = element.getBoundingClientRect();
        const marks = element.querySelectorAll('rect, circle, path, line').length;
        return { width: w, height: h, right, marks, label: element.getAttribute('aria-label') ?? '' };
      }),
    );
    expect(plots.length).toBeGreaterThanOrEqual(7);
    for (const plot of plots) {
      expect(plot.width, plot.label).toBeGreaterThan(150);
      expect(plot.height, plot.label).toBeGreaterThan(8);
      expect(plot.right, plot.label).toBeLessThanOrEqual(width);
      expect(plot.marks, plot.label).toBeGreaterThan(0);
      expect(plot.label).not.toBe('');
    }
    expect(new Set(plots.map(({ label }) => label)).size).toBe(plots.length);
    expect(plots.reduce((sum, { marks }) => sum + marks, 0)).toBeGreaterThan(80);
  });

  it.each(['light', 'dark'] as const)('has text of sufficient contrast in the %s scheme', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const faint = await page.evaluate(() => {
      const rgb = (text: string): number[] => (text.match(/[\d.]+/g) ?? []).map(Number);
      const luminance = (colour: readonly number[]): number => {
        const [r, g, b] = colour.map((part) => {
          const value = part / 255;
          return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element: Element | null): number[] => {
        if (element === null) return [255, 255, 255];
        const colour = rgb(getComputedStyle(element).backgroundColor);
        return colour[3] === 0 ? behind(element.parentElement) : colour.slice(0, 3);
      };
      const faulty: string[] = [];
      for (const element of document.body.querySelectorAll('*')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
        if (!own || element.tagName === 'title') continue;
        const style = getComputedStyle(element);
        const front = luminance(rgb(element.closest('svg') ? style.fill : style.color).slice(0, 3));
        const back = luminance(behind(element));
        const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        if (contrast < 4.5) faulty.push(`${contrast.toFixed(2)}: ${element.textContent?.slice(0, 40)}`);
      }
      return faulty;
    });
    expect(faint).toEqual([]);
  });

  it('asks for nothing but itself, runs nothing and complains of nothing', async () => {
    expect(asked.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
    expect(await page.locator('script, iframe, object, embed, link[rel=stylesheet]').count()).toBe(0);
  });

  it('has one title and headings in order, none skipped', async () => {
    const levels = await page
      .locator('h1, h2, h3, h4')
      .evaluateAll((headings) => headings.map((heading) => Number(heading.tagName[1])));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    for (const [i, level] of levels.entries()) expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1);
  });

  it('draws every picture', async () => {
    const broken = await page
      .locator('img')
      .evaluateAll((images) => images.filter((image) => image instanceof HTMLImageElement && image.naturalWidth === 0));
    expect(broken).toHaveLength(0);
  });
});
