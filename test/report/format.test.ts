import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactTokens, figure, percent, tokenText } from '../../src/report/format.js';
import { html, shortened } from '../../src/report/markup.js';

describe('amounts', () => {
  it.each([
    ['0', '0'],
    ['1000000000000000000', '1'],
    ['412345678901234567', '0.4123'],
    ['999960000000000000', '1'],
    ['1234567000000000000000', '1,235'],
    ['999999', '1 × 10⁻¹²'],
    ['37', '3.7 × 10⁻¹⁷'],
    ['1', '1 × 10⁻¹⁸'],
    ['1234567890123', '0.000001235'],
    ['-250000000000000000', '−0.25'],
  ])('%s units read as %s', (units, text) => {
    expect(tokenText(units)).toBe(text);
  });

  it('keep every unit in the exact form', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (units) => {
        const [whole, fraction = ''] = exactTokens(String(units)).replace(' MEED', '').replaceAll(',', '').split('.');
        expect(BigInt(whole + fraction.padEnd(18, '0'))).toBe(units);
      }),
    );
  });

  it('are rounded by less than one part in a thousand', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 30n }), (units) => {
        const [mantissa, exponent] = tokenText(String(units)).replaceAll(',', '').split(' × 10⁻');
        const power = [...(exponent ?? '⁰')].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(digit)).join('');
        const shown = Number(mantissa) * 10 ** -Number(power);
        expect(Math.abs(shown / (Number(units) / 1e18) - 1)).toBeLessThan(1e-3);
      }),
    );
  });
});

describe('figures', () => {
  it('are the dash when there is none', () => {
    expect([figure(Number.NaN), figure(Infinity), percent(Number.NaN)]).toEqual(['—', '—', '—']);
  });

  it('keep the digits before the point', () => {
    expect([figure(12345.6), figure(0.31), figure(-0.03), figure(7)]).toEqual(['12,346', '0.310', '−0.0300', '7']);
  });
});

describe('html', () => {
  it('lets no text make an element or leave its attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const body = html`<b title="${text}">${text}</b>`.text.slice('<b title="'.length, -'</b>'.length);
        const [attribute, content] = body.split('">');
        expect(`${attribute}${content}`).not.toMatch(/[<>"']/);
      }),
    );
  });

  it('cuts a name by characters, never through one', () => {
    expect(shortened('😀😀😀😀', 3)).toBe('😀😀…');
  });
});
