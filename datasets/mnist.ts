/**
 * MNIST: the first 5,000 training digits, and the first 2,000 test digits held out. Contributors are synthetic
 * (`mnist/assign.ts`), one of whom labels most rows wrongly. Pixels are normalised by the training set's usual mean and
 * deviation. The trap: MNIST is served in many gzip packings, so the card names what the files unpack to.
 */
import {
  type Dataset,
  type DatasetCard,
  type DatasetFile,
  type DatasetSource,
  fetchDatasetFile,
  gatherTrainRows,
  type LoadOptions,
  validateDataset,
} from '../src/data/index.js';
import { MeedError, Random } from '../src/foundation/index.js';
import { assignCollectors, COLLECTED_ROWS, collectors, MISLABELLER } from './mnist/assign.js';
import { readIdx } from './mnist/idx.js';

const SIDE = 28;
const WIDTH = SIDE * SIDE;
const CLASSES = 10;
const TRAIN_DIGITS = 60_000;
const TEST_DIGITS = 10_000;
const HELD_OUT_ROWS = 2_000;
/** Mean and deviation of all training pixels in [0, 1], as the field normalises MNIST. */
const MEAN = 0.1307;
const DEVIATION = 0.3081;
/** The mislabeller's share of wrong labels. */
const MISLABELLED_SHARE = 0.8;

const COMMIT = '7e77ce183b42950baacbe6de3986dbdc6ae771e8';
const mirror = (name: string) => `https://raw.githubusercontent.com/unixpickle/mnistlite/${COMMIT}/data/${name}`;

const files = {
  trainImages: {
    path: 'mnist/train-images-idx3-ubyte.gz',
    url: 'https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz',
    bytes: 9_912_422,
    sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    unpacked: { bytes: 47_040_016, sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db' },
  },
  trainLabels: {
    path: 'mnist/train-labels-idx1-ubyte.gz',
    url: mirror('train-labels-idx1-ubyte.gz'),
    bytes: 28_881,
    sha256: 'e867c6895efbe4af17eefa0d68f5a582082c6bab63cf2ed41e4f3b232b29abf4',
    unpacked: { bytes: 60_008, sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5' },
  },
  testImages: {
    path: 'mnist/t10k-images-idx3-ubyte.gz',
    url: mirror('t10k-images-idx3-ubyte.gz'),
    bytes: 1_648_877,
    sha256: 'ba05d2d6e06f59dd97d2d5378250478bb5c9b64296a5c2681700569121e3a2d7',
    unpacked: { bytes: 7_840_016, sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7' },
  },
  testLabels: {
    path: 'mnist/t10k-labels-idx1-ubyte.gz',
    url: mirror('t10k-labels-idx1-ubyte.gz'),
    bytes: 4_542,
    sha256: '94088eab8a64f51a9b34cc9716f54b6548ef8b2fd16ada6d1575091b933dbf4b',
    unpacked: { bytes: 10_008, sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2' },
  },
} satisfies Record<string, DatasetFile>;

const card: DatasetCard = {
  name: 'mnist',
  title: 'MNIST: handwritten digits, 5,000 of them, with synthetic contributors',
  licence: 'CC-BY-SA-3.0',
  origin: 'http://yann.lecun.com/exdb/mnist/ (Y. LeCun, C. Cortes, C. J. C. Burges)',
  contributorColumn: 'collector (synthetic)',
  classes: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
  featureShape: [SIDE, SIDE],
  files: Object.values(files),
  description:
    'The first 5,000 training digits, dealt to twelve made-up collectors of different sizes and favourite digits, one of whom labels most rows wrongly; the first 2,000 test digits are held out. Pixels are normalised by (0.1307, 0.3081).',
};

/** Digits as they are served: normalised pixels, true labels. */
export interface Digits {
  readonly rows: number;
  /** rows × 784 */
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly width: number;
}

/**
 * The first digits of each part, with nothing planted: what the field's protocols take.
 * @throws MeedError when there are not as many, or a file is not the card's
 */
export async function mnistDigits(
  { train, test }: { readonly train: number; readonly test: number },
  { folder, progress }: Pick<LoadOptions, 'folder' | 'progress'>,
): Promise<{ readonly train: Digits; readonly test: Digits }> {
  if (!(train <= TRAIN_DIGITS && test <= TEST_DIGITS)) {
    throw new MeedError(
      `${train} training and ${test} test digits were asked for`,
      `Ask for ${TRAIN_DIGITS} and ${TEST_DIGITS} at most`,
    );
  }
  const read = async (file: DatasetFile, shape: readonly number[]) =>
    readIdx(await fetchDatasetFile(file, { folder, progress }), shape, file.path);
  const first = (images: Uint8Array, labels: Uint8Array, rows: number): Digits => ({
    rows,
    features: normalise(images.subarray(0, rows * WIDTH)),
    labels: Int32Array.from(labels.subarray(0, rows)),
    width: WIDTH,
  });
  return {
    train: first(
      await read(files.trainImages, [TRAIN_DIGITS, SIDE, SIDE]),
      await read(files.trainLabels, [TRAIN_DIGITS]),
      train,
    ),
    test: first(
      await read(files.testImages, [TEST_DIGITS, SIDE, SIDE]),
      await read(files.testLabels, [TEST_DIGITS]),
      test,
    ),
  };
}

export const mnist: DatasetSource = {
  card,
  async load({ seed, folder, progress }: LoadOptions): Promise<Dataset> {
    const { train, test } = await mnistDigits({ train: COLLECTED_ROWS, test: HELD_OUT_ROWS }, { folder, progress });
    const digits = train.labels;
    const contributors = assignCollectors(digits, Random.named(seed, 'mnist/collectors'));
    const gale = collectors.findIndex(({ name }) => name === MISLABELLER);
    const table = {
      features: train.features,
      labels: mislabel(digits, contributors, gale, Random.named(seed, 'mnist/mislabelled')),
      contributors,
      width: WIDTH,
    };
    const order = Array.from(digits, (_, row) => row).sort((a, b) => contributors[a] - contributors[b] || a - b);
    const dataset: Dataset = {
      card,
      contributors: collectors.map(({ name, favours }) => ({
        name,
        ...(name === MISLABELLER && { planted: 'mislabelled' as const }),
        note: name === MISLABELLER ? 'four labels in five are wrong' : `favours ${favours.join(', ') || 'nothing'}`,
      })),
      train: gatherTrainRows(table, order),
      heldOut: test,
    };
    validateDataset(dataset);
    return dataset;
  },
};

function normalise(pixels: Uint8Array): Float32Array {
  const levels = Float32Array.from({ length: 256 }, (_, level) => (level / 255 - MEAN) / DEVIATION);
  return Float32Array.from(pixels, (level) => levels[level]);
}

/** With MISLABELLED_SHARE, any digit but the true one, for the rows of one contributor. */
function mislabel(digits: Int32Array, contributors: Int32Array, liar: number, random: Random): Int32Array {
  return digits.map((digit, row) => {
    if (contributors[row] !== liar || random.uniform() >= MISLABELLED_SHARE) return digit;
    return (digit + 1 + random.below(CLASSES - 1)) % CLASSES;
  });
}
