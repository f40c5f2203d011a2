declare module 'ffjavascript' {
  /** A field element or a point, in the library's Montgomery bytes. */
  type Element = Uint8Array;
  /** Coordinates as integers; G2 coordinates are pairs (real, imaginary). */
  type G1Object = readonly [bigint, bigint, bigint];
  type G2Object = readonly [readonly [bigint, bigint], readonly [bigint, bigint], readonly [bigint, bigint]];

  interface Group<PointObject> {
    readonly g: Element;
    add(a: Element, b: Element): Element;
    neg(a: Element): Element;
    eq(a: Element, b: Element): boolean;
    isZero(a: Element): boolean;
    isValid(a: Element): boolean;
    toAffine(a: Element): Element;
    timesScalar(a: Element, scalar: bigint): Element;
    fromObject(point: PointObject): Element;
    toObject(a: Element): PointObject;
    /** Affine point from Montgomery little-endian bytes, as they lie in a .zkey. */
    fromRprLEM(bytes: Uint8Array, offset: number): Element;
    /** Σ scalar·base of affine Montgomery bases and plain scalars of 32 bytes, both as they lie in a .zkey and a .wtns. */
    multiExpAffine(bases: Uint8Array, scalars: Uint8Array): Promise<Element>;
  }

  interface ScalarField {
    readonly n8: number;
    /** w[k] is a primitive 2^k-th root of unity. */
    readonly w: readonly Element[];
    toObject(a: Element): bigint;
    mul(a: Element, b: Element): Element;
  }

  export interface Curve {
    readonly q: bigint;
    readonly r: bigint;
    readonly Fr: ScalarField;
    readonly G1: Group<G1Object>;
    readonly G2: Group<G2Object>;
    /** Whether the product of the pairings of (G1, G2) pairs equals 1. */
    pairingEq(...points: readonly Element[]): Promise<boolean>;
    readonly tm: {
      /** Set in single-threaded curves: the bytes of the curve's WebAssembly module. */
      readonly code: Uint8Array;
      readonly pG1gen: number;
      readonly pG2gen: number;
    };
    terminate(): Promise<void>;
  }

  export function buildBn128(singleThread: boolean): Promise<Curve>;
}
