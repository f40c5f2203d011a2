/**
 * A card as JSON and back. What is read from a folder was written by somebody else, so every field is checked for its
 * type before it is believed; the trap is a cast that would let a malformed card fail much later and elsewhere.
 */
import { type JsonObject, MeedError } from '../foundation/index.js';
import type { DatasetCard, DatasetFile } from './dataset.js';

export function cardToJson(card: DatasetCard): JsonObject {
  const { featureNames, featureScale, files, ...rest } = card;
  return {
    ...rest,
    ...(featureNames && { featureNames }),
    ...(featureScale && { featureScale: { ...featureScale } }),
    files: files.map(({ unpacked, ...file }) => ({ ...file, ...(unpacked && { unpacked }) })),
  };
}

/** @param path named in the error @throws MeedError when the value is not a card */
export function parseCard(value: unknown, path: string): DatasetCard {
  if (isCard(value)) return value;
  throw new MeedError(`${path} is not a data-set card`, 'Make the data set again with this version');
}

const TEXT_FIELDS = ['name', 'title', 'licence', 'origin', 'contributorColumn', 'description'] as const;

function isCard(value: unknown): value is DatasetCard {
  return (
    isObject(value) &&
    TEXT_FIELDS.every((field) => typeof value[field] === 'string') &&
    isListOf(value.classes, isText) &&
    isListOf(value.featureShape, isCount) &&
    (value.featureNames === undefined || isListOf(value.featureNames, isText)) &&
    (value.featureScale === undefined || isScale(value.featureScale)) &&
    isListOf(value.files, isFile)
  );
}

function isFile(value: unknown): value is DatasetFile {
  return (
    isObject(value) &&
    isText(value.path) &&
    isText(value.url) &&
    isHashed(value) &&
    (value.unpacked === undefined || isHashed(value.unpacked))
  );
}

function isScale(value: unknown): boolean {
  return isObject(value) && isListOf(value.means, isNumber) && isListOf(value.deviations, isNumber);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isHashed(value: unknown): boolean {
  return isObject(value) && isCount(value.bytes) && isText(value.sha256);
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(is);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
