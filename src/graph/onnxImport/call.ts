/**
 * One ONNX node while it is translated: its operands as values or as constants, its attributes with ONNX's defaults.
 * The trap: an operand asked for as a constant must not depend on the fed inputs; which does is said by name.
 */
import { MeedError } from '../../foundation/index.js';
import type { GraphBuilder, Shape, Value } from '../graph.js';
import { broadcastShape, expand } from '../ops/broadcast.js';
import type { NodeAttribute, OnnxNode } from './decode.js';
import { type Element, type Known, type Operand, refuseHuge, type Traced } from './operand.js';

/** Puts a constant into the graph being built. */
export type Place = (constant: Known) => Value;

export class Call {
  constructor(
    readonly node: OnnxNode,
    readonly opset: number,
    readonly g: GraphBuilder,
    readonly operands: readonly (Operand | undefined)[],
    readonly place: Place,
  ) {}

  has(position: number): boolean {
    return this.operands[position] !== undefined;
  }

  operand(position: number): Operand {
    const operand = this.operands[position];
    return operand ?? this.refuse(`has no input ${position}`);
  }

  shape(position: number): Shape {
    return this.operand(position).shape;
  }

  element(position: number): Element {
    return this.operand(position).element;
  }

  /** The operand in the graph, in the shape that ONNX says it has. */
  value(position: number): Value {
    return expand(this.g, this.unexpanded(position), this.shape(position));
  }

  /** The operand in the graph, perhaps not yet stretched to its shape: for operators that broadcast anyway. */
  unexpanded(position: number): Value {
    const operand = this.operand(position);
    return operand.kind === 'known' ? this.place(operand) : operand.value;
  }

  /** The operand's numbers. */
  numbers(position: number): number[] {
    return [...this.known(position).data()];
  }

  known(position: number): Known {
    const operand = this.operand(position);
    if (operand.kind === 'known') return operand;
    return this.refuse(`computes its input "${this.node.inputs[position]}" from what is fed; it must be a constant`);
  }

  /** An optional operand with one number. */
  number(position: number): number | undefined {
    return this.has(position) ? this.numbers(position)[0] : undefined;
  }

  /** A list given as an input since some opset and as an attribute before. */
  list(position: number, attribute: string): number[] | undefined {
    return this.has(position) ? this.numbers(position) : this.ints(attribute);
  }

  real(name: string, otherwise: number): number {
    const value = this.node.attributes.get(name) ?? otherwise;
    return typeof value === 'number' ? value : this.refuse(`has an attribute "${name}" that is no number`);
  }

  int(name: string, otherwise: number): number {
    const value = this.real(name, otherwise);
    return Number.isInteger(value)
      ? value
      : this.refuse(`has an attribute "${name}" that is no whole number: ${value}`);
  }

  reals(name: string): number[] | undefined {
    const value = this.node.attributes.get(name);
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? value.filter((entry) => typeof entry === 'number') : undefined;
    return list ?? this.refuse(`has an attribute "${name}" that is no list of numbers`);
  }

  ints(name: string): number[] | undefined {
    const list = this.reals(name);
    return list?.every(Number.isInteger) === false
      ? this.refuse(`has an attribute "${name}" of other than whole numbers: [${list}]`)
      : list;
  }

  text(name: string, otherwise: string): string {
    const value = this.node.attributes.get(name) ?? otherwise;
    return typeof value === 'string' ? value : this.refuse(`has an attribute "${name}" that is no text`);
  }

  attribute(name: string): NodeAttribute | undefined {
    return this.node.attributes.get(name);
  }

  /** An axis counted from 0, from one that may be counted from the end. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis;
    if (Number.isInteger(counted) && counted >= 0 && counted < rank) return counted;
    return this.refuse(`names the axis ${axis} of a value with ${rank} axes`);
  }

  /** The result of a broadcasting operator on unexpanded operands; it may itself be stretched later. */
  broadcast(value: Value, element: Element = this.element(0)): Traced {
    const shape = this.operands.reduce<Shape>((all, operand) => broadcastShape(all, operand?.shape ?? []), []);
    refuseHuge(shape);
    return { kind: 'traced', element, shape, value };
  }

  /** @throws MeedError always */
  refuse(problem: string): never {
    throw new MeedError(
      `The node "${this.node.name}" (${this.node.type}) ${problem}`,
      'Export the model again without it, or with other settings',
    );
  }
}
