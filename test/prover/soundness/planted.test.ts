/**
 * The analysis can fail: circuits with the usual mistakes, planted, and the same circuits without them. Each is compiled
 * as circuits for proving are.
 */
import { describe, expect, it } from 'vitest';
import { type Findings, findingsOf, freeWiresAt } from '../../../src/prover/analysis/index.js';
import type { CircuitInput } from '../../../src/prover/witnessCalculator.js';
import { calculateWitness } from '../../../src/prover/witnessCalculator.js';
import { wireValues } from '../support/constraints.js';
import { alternatives, forge } from '../support/soundness/forge.js';
import { type InspectedCircuit, inspectSource } from '../support/soundness/inspected.js';
import { withoutPositions } from '../support/soundness/subjects.js';

interface Report {
  readonly circuit: InspectedCircuit;
  readonly findings: Findings;
  readonly free: string[];
  readonly choices: string[];
  readonly conditional: string[];
  readonly voids: string[];
  valuesOf(input: CircuitInput): Promise<bigint[]>;
  /** Wires that the derivative leaves free at the witness. */
  freeAt(input: CircuitInput): Promise<string[]>;
}

async function report(body: string, isPublic = '', includes: readonly string[] = []): Promise<Report> {
  const circuit = await inspectSource(
    `pragma circom 2.1.0;\n${includes.map((file) => `include "${file}";\n`).join('')}template Planted() {\n${body}\n}\ncomponent main${isPublic} = Planted();\n`,
  );
  const findings = findingsOf(circuit.system);
  const named = (wires: readonly number[]): string[] => [
    ...new Set(wires.map((wire) => withoutPositions(circuit.names[wire]))),
  ];
  const valuesOf = async (input: CircuitInput): Promise<bigint[]> =>
    wireValues(await calculateWitness(circuit.wasmPath, input));
  return {
    circuit,
    findings,
    free: named(findings.free),
    choices: named(findings.choices.map(({ wire }) => wire)),
    conditional: named(findings.conditional.map(({ wire }) => wire)),
    voids: named(findings.voids.map(({ wire }) => wire)),
    valuesOf,
    freeAt: async (input) => named(freeWiresAt(circuit.system, await valuesOf(input), circuit.system.inputs)),
  };
}

/** A sum of `length` bits, each bit constrained but the last `unchecked` ones. */
function bits(length: number, unchecked: number): string {
  return `
    signal input x; signal input y; signal output out;
    signal bit[${length}];
    var sum = 0;
    for (var i = 0; i < ${length}; i++) {
        bit[i] <-- (x >> i) & 1;
        if (i < ${length - unchecked}) bit[i] * bit[i] === bit[i];
        sum += bit[i] * (1 << i);
    }
    x === sum;
    out <== bit[0] * y;`;
}

describe('trap 5, found by structure:', () => {
  it('`<--` without a constraint leaves its wire free', async () => {
    const { free, freeAt } = await report(`
    signal input x; signal input y; signal output out;
    signal half; half <-- x >> 1;
    out <== half * y;`);
    expect(free).toHaveLength(1);
    expect(await freeAt({ x: 6n, y: 5n })).toHaveLength(1);
  });

  it('`<--` for an output that nothing mentions: the output is in no constraint', async () => {
    const { findings, circuit, free } = await report(`
    signal input x; signal output out; signal output square;
    square <== x * x;
    out <-- x * x * x;`);
    expect(findings.unused.map((wire) => circuit.names[wire])).toEqual(['out']);
    expect(free).toEqual(['out']);
    expect(circuit.warnings.some(({ code, text }) => code === 'CA01' && text.includes('out'))).toBe(true);
  });

  it('a missing range bit leaves all bits open; with it they are determined and the range is proven', async () => {
    const whole = await report(bits(8, 0));
    expect([...whole.choices, ...whole.free, ...whole.conditional]).toEqual([]);
    const wireOfX = whole.circuit.names.indexOf('x');
    expect(whole.findings.ranges.get(wireOfX)).toEqual({ low: 0n, high: 255n });

    const missing = await report(bits(8, 1));
    expect(missing.choices).not.toEqual([]);
    expect(missing.findings.ranges.has(missing.circuit.names.indexOf('x'))).toBe(false);
    // The derivative alone sees nothing: every bit that is left has its own b·b = b.
    expect(await missing.freeAt({ x: 200n, y: 3n })).toEqual([]);
  });

  it('bits that are tied to nothing', async () => {
    const { choices } = await report(`
    signal input x; signal input y; signal output out;
    signal bit; bit <-- x & 1;
    bit * bit === bit;
    out <== bit * y;`);
    expect(choices).toEqual(['bit']);
  });

  it('a free selector, of any value or of two', async () => {
    const selector = (check: string): string => `
    signal input a; signal input b; signal input wanted; signal output out;
    signal selector; selector <-- wanted == 1 ? 1 : 0;${check}
    out <== a + selector * (b - a);`;
    // Any selector gives any output: the wire that is left of the two is free.
    const any = await report(selector(''));
    expect(any.free).toHaveLength(1);
    expect(any.findings.droppedInputs).toBe(1);
    const two = await report(selector('\n    selector * (selector - 1) === 0;'));
    expect(two.free).toEqual([]);
    expect(two.choices).toEqual(['selector']);
  });

  it('an unused private input, and an unused signal of a component', async () => {
    const { circuit, findings } = await report(
      `
    signal input x; signal input forgotten; signal output out;
    component check = Num2Bits(4);
    check.in <== x;
    out <== x * x;`,
      '',
      ['circomlib/bitify.circom'],
    );
    expect(circuit.withoutWire).toContain('forgotten');
    expect(findings.droppedInputs).toBe(1);
    expect(circuit.warnings.filter(({ code }) => code === 'CA01').map(({ text }) => text)).toEqual([
      expect.stringContaining('forgotten'),
    ]);
    expect(circuit.warnings.some(({ code, text }) => code === 'CA02' && text.includes('check.out'))).toBe(true);
  });

  it('a public input that nothing mentions', async () => {
    const { findings, circuit } = await report(
      'signal input x; signal input claimed; signal output out; out <== x * x;',
      ' { public [claimed] }',
    );
    expect(findings.unused.map((wire) => circuit.names[wire])).toEqual(['claimed']);
  });

  it('a check that a private wire can always meet, also through a chain', async () => {
    const direct = await report(
      'signal input a; signal input b; signal input slack; signal input claimed; claimed === a * b + slack;',
      ' { public [claimed] }',
    );
    expect(direct.voids).toEqual(['slack']);
    expect([...direct.free, ...direct.choices]).toEqual([]);
    const chained = await report(
      `
    signal input a; signal input b; signal input slack; signal input claimed;
    signal middle; middle <== a * a + slack;
    signal end; end <== b * b + middle;
    claimed === a * b + end;`,
      ' { public [claimed] }',
    );
    expect(chained.findings.voids).toHaveLength(chained.circuit.system.constraints);
  });

  it('Num2Bits(254) is not unique, Num2Bits(253) is', async () => {
    const decomposed = (length: number): string => `
    signal input x; signal input y; signal output out;
    component bits = Num2Bits(${length});
    bits.in <== x;
    var parity = 0;
    for (var i = 0; i < ${length}; i++) parity += bits.out[i];
    out <== parity * y;`;
    const short = await report(decomposed(253), '', ['circomlib/bitify.circom']);
    expect([...short.choices, ...short.free]).toEqual([]);
    const long = await report(decomposed(254), '', ['circomlib/bitify.circom']);
    expect(long.choices).not.toEqual([]);
    // A second witness of the same input: the bits of x + r.
    const values = await long.valuesOf({ x: 5n, y: 7n });
    const wireOf = (name: string): number => long.circuit.names.indexOf(name);
    const aliased = 21888242871839275222246405745257275088548364400416034343698204186575808495617n + 5n;
    const second = [...values];
    let ones = 0n;
    for (let i = 0; i < 254; i++) {
      const bit = (aliased >> BigInt(i)) & 1n;
      ones += bit;
      const wire = wireOf(`bits.out[${i}]`);
      if (wire >= 0) second[wire] = bit;
    }
    second[wireOf('out')] = ones * 7n;
    expect(long.circuit.system.broken(second)).toEqual([]);
    expect(second).not.toEqual(values);
  });

  it('an unchecked remainder', async () => {
    const division = (check: string): string => `
    signal input x; signal input y; signal output out;
    signal quotient; quotient <-- x \\ 7;
    signal remainder; remainder <-- x % 7;
    x === quotient * 7 + remainder;${check}
    out <== quotient * y;`;
    const { free } = await report(division(''));
    expect(free).toHaveLength(1);
    // Ranged to 3 bits the remainder may still be 7 where it should be 0, and the quotient is unranged: choices are left.
    const ranged = await report(division('\n    component range = Num2Bits(3);\n    range.in <== remainder;'), '', [
      'circomlib/bitify.circom',
    ]);
    expect([...ranged.free, ...ranged.choices]).not.toEqual([]);
  });

  it('division by what may be zero: anything is the quotient of 0 and 0', async () => {
    const { conditional, findings, circuit, freeAt, valuesOf } = await report(`
    signal input a; signal input b; signal output quotient;
    quotient <-- b == 0 ? 0 : a / b;
    quotient * b === a;`);
    expect(conditional).toEqual(['quotient']);
    expect(await freeAt({ a: 6n, b: 3n })).toEqual([]);
    expect(await freeAt({ a: 0n, b: 0n })).toEqual(['quotient']);
    const zero = await valuesOf({ a: 0n, b: 0n });
    const quotient = circuit.names.indexOf('quotient');
    expect(alternatives(circuit.system, zero, quotient)).toBe('any');
    const advice = new Map([[quotient, 12345n]]);
    expect(forge(circuit.system, findings.determination, zero, advice).broken).toEqual([]);
  });

  it('an inverse that must exist is no condition: a · inverse = 1 fixes it', async () => {
    const { conditional, free } = await report(`
    signal input a; signal input b; signal output out;
    signal inverse; inverse <-- 1 / a;
    a * inverse === 1;
    out <== inverse * b;`);
    expect([...conditional, ...free]).toEqual([]);
  });

  it('LessThan on inputs of any size: its bits are determined, but no input has a range', async () => {
    const compare = (ranged: boolean): string => `
    signal input x; signal input bound; signal output less;
    component compare = LessThan(8);
    compare.in[0] <== x; compare.in[1] <== bound;
    less <== compare.out;
    ${ranged ? 'component range[2]; range[0] = Num2Bits(8); range[0].in <== x; range[1] = Num2Bits(8); range[1].in <== bound;' : ''}`;
    const includes = ['circomlib/comparators.circom'];
    const open = await report(compare(false), '', includes);
    expect([...open.free, ...open.choices]).toEqual([]);
    expect(open.findings.ranges.size).toBe(0);
    // r − 1 is "less than" 0: 2^8 − 1 + 0 … has the ninth bit clear
    const values = await open.valuesOf({ x: -1n, bound: 0n });
    expect(values[open.circuit.names.indexOf('less')]).toBe(1n);
    const closed = await report(compare(true), '', includes);
    expect([...closed.findings.ranges.values()]).toEqual(Array(2).fill({ low: 0n, high: 255n }));
    await expect(closed.valuesOf({ x: -1n, bound: 0n })).rejects.toThrow('do not satisfy');
  });

  it('two equations that say the same', async () => {
    const { free, freeAt } = await report(`
    signal input x; signal input y; signal input a; signal input total; signal output out;
    signal p; signal q;
    p <-- x; q <-- y;
    (p + q) * a === total;
    (p + q) * (2 * a) === 2 * total;
    out <== p * y;`);
    expect(free).toHaveLength(1);
    expect(await freeAt({ x: 2n, y: 3n, a: 1n, total: 5n })).toHaveLength(1);
  });

  it('a root has two values', async () => {
    const { choices, findings } = await report(`
    signal input x; signal input y; signal output out;
    signal root; root <-- y;
    root * root === x;
    out <== root * y;`);
    expect(choices).toEqual(['root']);
    expect(findings.choices[0].isBoolean).toBe(false);
  });
});
