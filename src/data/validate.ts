/**
 * The gate that every data set passes, whatever it was made from, once when it is loaded and again when its artefact is
 * read. The idea: a defect that training would swallow (a NaN, a class without rows, a contributor who could never be
 * paid) is named here with its row, where it can still be mended. The trap: the order of the checks matters, since an
 * index can only be judged after the lengths it points into.
 */
import { MeedError } from '../foundation/index.js';
import { type Dataset, rowsPerContributor, type Split } from './dataset.js';

/** @throws MeedError naming the data set, the row and the remedy, at the first rule that is broken */
export function validateDataset(dataset: Dataset): void {
  const { card, train, heldOut } = dataset;
  const set = `Data set "${card.name}"`;
  checkShape(dataset, set);
  checkRows(dataset, train, `${set}, training row`);
  checkRows(dataset, heldOut, `${set}, held-out row`);
  checkContributors(dataset, set);
  checkClasses(dataset, set);
}

function checkShape({ card, contributors, train, heldOut }: Dataset, set: string): void {
  const width = card.featureShape.reduce((product, n) => product * n, 1);
  if (train.rows + heldOut.rows < 2) {
    throw new MeedError(
      `${set} holds ${train.rows + heldOut.rows} sample, attribution needs something to compare`,
      'Add rows',
    );
  }
  if (card.classes.length < 2) {
    throw new MeedError(`${set} has ${card.classes.length} class, a classifier needs two`, 'Check the label column');
  }
  for (const [name, split] of [['training', train] as const, ['held-out', heldOut] as const]) {
    if (split.rows === 0) throw new MeedError(`${set} has no ${name} rows`, 'Add rows');
    if (split.width !== width) {
      throw new MeedError(
        `${set} has ${name} rows of ${split.width} features, its card says ${card.featureShape.join(' × ')} = ${width}`,
        'Correct featureShape or the loader',
      );
    }
    if (split.features.length !== split.rows * width || split.labels.length !== split.rows) {
      throw new MeedError(
        `${set} promises ${split.rows} ${name} rows, but holds ${split.features.length / width} of features and ${split.labels.length} labels`,
        'Correct the loader',
      );
    }
    if (split.texts && split.texts.length !== split.rows) {
      throw new MeedError(
        `${set} has ${split.texts.length} texts for ${split.rows} ${name} rows`,
        'Give every row its text, or none',
      );
    }
  }
  if (train.contributors.length !== train.rows) {
    throw new MeedError(
      `${set} names the contributor of ${train.contributors.length} of ${train.rows} training rows`,
      'Give every row its contributor',
    );
  }
  if (card.featureNames && card.featureNames.length !== width) {
    throw new MeedError(`${set} names ${card.featureNames.length} of ${width} features`, 'Name all of them or none');
  }
  const { means, deviations } = card.featureScale ?? {};
  if (means && deviations && !(isFiniteList(means, width) && isFiniteList(deviations, width))) {
    throw new MeedError(
      `${set} gives ${means.length} means and ${deviations.length} deviations for ${width} features, or one is not finite`,
      'Give a finite one of each for every feature, or neither',
    );
  }
  const names = contributors.map(({ name }) => name);
  const repeated = names.find((name, i) => name === '' || names.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw new MeedError(
      `${set} lists the contributor "${repeated}" twice or without a name`,
      'Give every contributor one name of its own',
    );
  }
}

function isFiniteList(values: readonly number[], length: number): boolean {
  return values.length === length && values.every(Number.isFinite);
}

function checkRows({ card }: Dataset, split: Split, at: string): void {
  for (let row = 0; row < split.rows; row++) {
    for (let column = 0; column < split.width; column++) {
      const value = split.features[row * split.width + column];
      if (!Number.isFinite(value)) {
        const feature = card.featureNames ? `"${card.featureNames[column]}"` : `${column}`;
        throw new MeedError(
          `${at} ${row}: feature ${feature} is ${value}`,
          'Remove the row or put a finite number there',
        );
      }
    }
    const label = split.labels[row];
    if (label < 0 || label >= card.classes.length) {
      throw new MeedError(
        `${at} ${row}: label ${label} is none of the ${card.classes.length} classes (0 … ${card.classes.length - 1})`,
        'Correct the label or add the class to the card',
      );
    }
  }
}

function checkContributors(dataset: Dataset, set: string): void {
  const { contributors, train } = dataset;
  for (let row = 0; row < train.rows; row++) {
    const index = train.contributors[row];
    if (index < 0 || index >= contributors.length) {
      throw new MeedError(
        `${set}, training row ${row}: contributor ${index} is none of the ${contributors.length} listed`,
        'List the contributor or remove the row',
      );
    }
    if (row > 0 && index < train.contributors[row - 1]) {
      throw new MeedError(
        `${set}, training row ${row}: belongs to "${contributors[index].name}" but comes after a row of "${contributors[train.contributors[row - 1]].name}"`,
        'Sort the rows so that those of one contributor are consecutive, in the order of the list',
      );
    }
  }
  const without = rowsPerContributor(dataset).indexOf(0);
  if (without >= 0) {
    throw new MeedError(
      `${set}: contributor "${contributors[without].name}" has no training row, so it could never be paid`,
      'Add a row of theirs or take them off the list',
    );
  }
}

function checkClasses({ card, train }: Dataset, set: string): void {
  const present = new Set(train.labels);
  const empty = card.classes.findIndex((_, label) => !present.has(label));
  if (empty >= 0) {
    throw new MeedError(
      `${set}: class ${empty} ("${card.classes[empty]}") has no training row`,
      'Add a row of that class or remove the class',
    );
  }
}
