/**
 * Draws one sign as 16 × 16 grey values, antialiased: a pixel's ink falls off over one pixel around half the stroke
 * width, by its distance from the nearest segment. The trap is sameness across machines: only sums, products, quotients
 * and square roots are used (no sine, no logarithm), and the result is rounded to multiples of 1/255.
 */
import type { Random } from '../../src/foundation/index.js';
import type { Style } from './hands.js';
import type { Point, Sign } from './strokes.js';

export const SIDE = 16;
const LEVELS = 255;

/** One drawing, row-major from the top left, values k/255. */
export function drawSign(sign: Sign, style: Style, random: Random): Float32Array {
  const place = randomPlacement(style, random);
  const segments = sign.strokes.flatMap((stroke) => segmentsOf(stroke.map(place)));
  const half = (style.thickness * (1 + 0.12 * style.wobble * bell(random))) / 2;
  const ink = 1 - 0.12 * random.uniform();
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const x = (i % SIDE) + 0.5;
    const y = Math.floor(i / SIDE) + 0.5;
    const distance = Math.sqrt(Math.min(...segments.map((segment) => squaredDistance(x, y, segment))));
    return level(ink * clamp(half + 0.5 - distance) + style.noise * bell(random));
  });
}

/** A picture of grain, without any sign. */
export function drawGrain(random: Random): Float32Array {
  return Float32Array.from({ length: SIDE * SIDE }, () => level(0.25 + 0.3 * bell(random)));
}

/** Approximately standard normal by twelve uniform draws: unlike Box and Muller's, exact on every engine. */
function bell(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.uniform();
  return sum;
}

/** From the sign's square to pixels: rotate, scale, slant, shift, each strayed from the style, and bend a little. */
function randomPlacement(style: Style, random: Random): (point: Point) => Point {
  const w = style.wobble;
  const t = 0.07 * w * bell(random);
  const cosine = (1 - t * t) / (1 + t * t);
  const sine = (2 * t) / (1 + t * t);
  const high = (SIDE / 2) * style.size * (1 + 0.06 * w * bell(random));
  const wide = high * style.stretch * (1 + 0.07 * w * bell(random));
  const slant = style.slant + 0.08 * w * bell(random);
  const bend = 0.07 * w * bell(random);
  const shiftX = SIDE / 2 + 0.55 * w * bell(random);
  const shiftY = SIDE / 2 + 0.55 * w * bell(random);
  return ([px, py]) => {
    const x = px + bend * (py * py - 0.4);
    const rx = cosine * x - sine * py;
    const ry = sine * x + cosine * py;
    return [shiftX + wide * (rx - slant * ry), shiftY + high * ry];
  };
}

type Segment = readonly [Point, Point];

function segmentsOf(points: readonly Point[]): Segment[] {
  return points.slice(1).map((point, i) => [points[i], point]);
}

function squaredDistance(x: number, y: number, [[ax, ay], [bx, by]]: Segment): number {
  const dx = bx - ax;
  const dy = by - ay;
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : clamp(((x - ax) * dx + (y - ay) * dy) / squared);
  const ex = x - ax - along * dx;
  const ey = y - ay - along * dy;
  return ex * ex + ey * ey;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function level(value: number): number {
  return Math.round(LEVELS * clamp(value)) / LEVELS;
}
