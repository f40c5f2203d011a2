/**
 * Twelve hands that write the signs. Each has a way of writing (a style) and its favourite signs, so that attribution
 * has something true to find: a slanted moon comes rather from who writes slanted moons. Three of them are not what
 * they seem, and we know it: one labels most of its rows wrongly, one hands in another's rows, one hands in noise.
 */
import type { Planted } from '../../src/data/index.js';

export interface Style {
  /** Horizontal shift per unit of height: positive leans to the right. */
  readonly slant: number;
  /** Stroke width in pixels. */
  readonly thickness: number;
  /** Half of the sign's height, as a part of half of the picture. */
  readonly size: number;
  /** Width over height. */
  readonly stretch: number;
  /** Deviation of the pixel noise, as a part of full ink. */
  readonly noise: number;
  /** How far the hand strays from its own way: scales every random change of shape. */
  readonly wobble: number;
}

export interface Hand {
  readonly name: string;
  readonly rows: number;
  readonly style: Style;
  /** Names of the signs it writes three times as often. */
  readonly favours: readonly string[];
  readonly planted?: Planted;
  /** Whose rows the copier hands in. */
  readonly copies?: string;
  readonly note: string;
}

const plain: Style = { slant: 0, thickness: 1.6, size: 0.72, stretch: 1, noise: 0.1, wobble: 1 };

export const hands: readonly Hand[] = [
  { name: 'ada', rows: 320, style: plain, favours: [], note: 'upright and even' },
  {
    name: 'bruno',
    rows: 280,
    style: { ...plain, slant: 0.3, thickness: 1.9 },
    favours: ['moon', 'wave', 'cup'],
    note: 'leans right',
  },
  {
    name: 'chen',
    rows: 240,
    style: { ...plain, thickness: 1.1, size: 0.8, noise: 0.06 },
    favours: ['tree', 'house', 'fish'],
    note: 'fine pen',
  },
  {
    name: 'dalia',
    rows: 210,
    style: { ...plain, thickness: 2.5, size: 0.7 },
    favours: ['ring', 'key', 'bolt'],
    note: 'broad brush',
  },
  {
    name: 'emeka',
    rows: 190,
    style: { ...plain, slant: -0.28, stretch: 0.85 },
    favours: ['arrow', 'bolt'],
    note: 'leans left, narrow',
  },
  {
    name: 'freya',
    rows: 140,
    style: { ...plain, size: 0.55, thickness: 1.3 },
    favours: ['fish', 'cup', 'ring'],
    note: 'writes small',
  },
  {
    name: 'goro',
    rows: 150,
    style: { ...plain, slant: 0.1, thickness: 1.7 },
    favours: [],
    planted: 'flipped',
    note: 'a fair hand, but four labels in five are wrong',
  },
  {
    name: 'hana',
    rows: 130,
    style: { ...plain, slant: 0.3, thickness: 1.9 },
    favours: [],
    planted: 'copied',
    copies: 'bruno',
    note: 'every row is one of bruno’s',
  },
  {
    name: 'ines',
    rows: 100,
    style: { ...plain, size: 0.84, stretch: 1.1, noise: 0.08 },
    favours: ['wave', 'key'],
    note: 'fills the page',
  },
  {
    name: 'jomo',
    rows: 90,
    style: { ...plain, noise: 0.2, thickness: 1.8 },
    favours: ['house', 'tree'],
    note: 'dirty scans',
  },
  {
    name: 'kaya',
    rows: 70,
    style: plain,
    favours: [],
    planted: 'noise',
    note: 'no signs at all, only grain with labels drawn by lot',
  },
  { name: 'liam', rows: 80, style: { ...plain, wobble: 1.7 }, favours: ['moon', 'arrow'], note: 'unsteady' },
];
