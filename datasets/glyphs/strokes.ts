/**
 * The ten signs of the glyph set, each a few strokes in a square from (−1, −1), top left, to (1, 1). Curves are cubic
 * Béziers flattened to short segments, so that drawing needs nothing but sums, products and square roots, which every
 * engine rounds alike. Some pairs are close on purpose (ring and moon, arrow and tree, house and cup upside down): a
 * wobbly hand makes them hard, which is what leaves a classifier something to learn.
 */
export type Point = readonly [number, number];

/** A connected line through its points. */
export type Stroke = readonly Point[];

export interface Sign {
  readonly name: string;
  readonly strokes: readonly Stroke[];
}

/** Segments per Bézier curve: at 16 pixels a finer polyline draws the same picture. */
const CURVE_SEGMENTS = 8;
/** Distance of a Bézier's handles that makes a quarter of a unit circle. */
const QUARTER = 0.5523;

function curve(a: Point, b: Point, c: Point, d: Point): Stroke {
  return Array.from({ length: CURVE_SEGMENTS + 1 }, (_, i) => {
    const t = i / CURVE_SEGMENTS;
    const s = 1 - t;
    const mix = (axis: 0 | 1) =>
      s * s * s * a[axis] + 3 * s * s * t * b[axis] + 3 * s * t * t * c[axis] + t * t * t * d[axis];
    return [mix(0), mix(1)];
  });
}

function ellipse(x: number, y: number, rx: number, ry: number): Stroke {
  const hx = rx * QUARTER;
  const hy = ry * QUARTER;
  return [
    ...curve([x + rx, y], [x + rx, y + hy], [x + hx, y + ry], [x, y + ry]),
    ...curve([x, y + ry], [x - hx, y + ry], [x - rx, y + hy], [x - rx, y]),
    ...curve([x - rx, y], [x - rx, y - hy], [x - hx, y - ry], [x, y - ry]),
    ...curve([x, y - ry], [x + hx, y - ry], [x + rx, y - hy], [x + rx, y]),
  ];
}

/** Label k is signs[k]. */
export const signs: readonly Sign[] = [
  { name: 'ring', strokes: [ellipse(0, 0, 0.8, 0.85)] },
  {
    name: 'moon',
    strokes: [
      curve([0.35, -0.9], [-1.15, -0.85], [-1.15, 0.85], [0.35, 0.9]),
      curve([0.35, -0.9], [-0.35, -0.5], [-0.35, 0.5], [0.35, 0.9]),
    ],
  },
  {
    name: 'house',
    strokes: [
      [
        [-0.95, -0.05],
        [0, -0.95],
        [0.95, -0.05],
      ],
      [
        [-0.65, -0.2],
        [-0.65, 0.9],
        [0.65, 0.9],
        [0.65, -0.2],
      ],
    ],
  },
  {
    name: 'tree',
    strokes: [
      [
        [0, -0.95],
        [0, 0.95],
      ],
      [
        [-0.55, -0.2],
        [0, -0.85],
        [0.55, -0.2],
      ],
      [
        [-0.8, 0.5],
        [0, -0.2],
        [0.8, 0.5],
      ],
    ],
  },
  {
    name: 'arrow',
    strokes: [
      [
        [0, 0.95],
        [0, -0.95],
      ],
      [
        [-0.7, -0.2],
        [0, -0.95],
        [0.7, -0.2],
      ],
    ],
  },
  {
    name: 'fish',
    strokes: [
      curve([-0.95, 0], [-0.5, -0.85], [0.2, -0.7], [0.9, 0.6]),
      curve([-0.95, 0], [-0.5, 0.85], [0.2, 0.7], [0.9, -0.6]),
      [
        [0.9, -0.6],
        [0.9, 0.6],
      ],
    ],
  },
  {
    name: 'wave',
    strokes: [
      [
        ...curve([-0.95, 0.3], [-0.7, -0.85], [-0.3, -0.85], [0, 0]),
        ...curve([0, 0], [0.3, 0.85], [0.7, 0.85], [0.95, -0.3]),
      ],
    ],
  },
  {
    name: 'bolt',
    strokes: [
      [
        [0.35, -0.95],
        [-0.5, 0.1],
        [0.45, 0],
        [-0.3, 0.95],
      ],
    ],
  },
  {
    name: 'key',
    strokes: [
      ellipse(-0.5, 0, 0.42, 0.45),
      [
        [-0.08, 0],
        [0.95, 0],
      ],
      [
        [0.9, 0],
        [0.9, 0.5],
      ],
      [
        [0.45, 0],
        [0.45, 0.45],
      ],
    ],
  },
  {
    name: 'cup',
    strokes: [
      [
        [-0.8, -0.7],
        [-0.65, 0.8],
        [0.35, 0.8],
        [0.5, -0.7],
      ],
      [
        [-0.8, -0.7],
        [0.5, -0.7],
      ],
      curve([0.47, -0.4], [1.15, -0.5], [1.1, 0.5], [0.4, 0.35]),
    ],
  },
];
