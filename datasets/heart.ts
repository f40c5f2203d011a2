/**
 * UCI heart disease: 920 patients of four hospitals, which are the contributors, so the owners differ as they do in life:
 * in size, in who comes to them, and in what they measured. A fifth of each diagnosis is held out by the seed; missing
 * values become the median of the training rows, then columns are standardised by the training rows.
 * The trap: whether a value is missing says which hospital it is from, and imputation hides that only in part.
 */
import {
  type Dataset,
  type DatasetCard,
  type DatasetSource,
  fetchDatasetFile,
  gatherRows,
  gatherTrainRows,
  imputeMedians,
  type LoadOptions,
  standardise,
  stratifiedSplit,
  validateDataset,
} from '../src/data/index.js';
import { Random } from '../src/foundation/index.js';
import { measurements, readPatients } from './heart/patients.js';

const COMMIT = '955796899bf31b17233c237973cbb0b0a54ad848';
const mirror = (name: string) =>
  `https://raw.githubusercontent.com/aarushkachhawa/Heart-Disease-Detection/${COMMIT}/${name}`;

const hospitals = [
  {
    name: 'Cleveland',
    note: 'Cleveland Clinic Foundation (R. Detrano)',
    file: {
      path: 'uci-heart/processed.cleveland.data',
      url: mirror('processed.cleveland.data'),
      bytes: 18_461,
      sha256: 'a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8',
    },
  },
  {
    name: 'Hungary',
    note: 'Hungarian Institute of Cardiology, Budapest (A. Janosi)',
    file: {
      path: 'uci-heart/reprocessed.hungarian.data',
      url: mirror('processed.hungarian.data.original'),
      bytes: 11_044,
      sha256: '8a0334474d79c9c7ddb4fdad1260fb4197e25d6fa15a444b4baaa2410c885183',
    },
  },
  {
    name: 'Switzerland',
    note: 'University Hospitals of Zurich and Basel (W. Steinbrunn, M. Pfisterer)',
    file: {
      path: 'uci-heart/processed.switzerland.data',
      url: mirror('processed.switzerland.data'),
      bytes: 4_109,
      sha256: '834a405ccf5b66ab4056bb77794adc8df0b7125186454c0a1d002d33c6c3b314',
    },
  },
  {
    name: 'Long Beach',
    note: 'V. A. Medical Center (R. Detrano)',
    file: {
      path: 'uci-heart/processed.va.data',
      url: mirror('processed.va.data'),
      bytes: 6_737,
      sha256: 'e7c93d8d0d2acdadfa4c5e8de768e2191e7f618b952e29623f1f0d5949ff6b8f',
    },
  },
];

const card: DatasetCard = {
  name: 'heart',
  title: 'UCI heart disease: 920 patients of four hospitals',
  licence: 'CC-BY-4.0',
  origin: 'https://archive.ics.uci.edu/dataset/45/heart+disease',
  contributorColumn: 'hospital',
  classes: ['no heart disease', 'heart disease'],
  featureShape: [measurements.length],
  featureNames: measurements.map(({ name }) => name),
  files: hospitals.map(({ file }) => file),
  description:
    'Thirteen measurements; the label is diagnosis > 0. Missing and impossible values are medians of the training rows, columns are standardised by the training rows, a fifth of each diagnosis is held out.',
};

export const heart: DatasetSource = {
  card,
  async load({ seed, folder, progress }: LoadOptions): Promise<Dataset> {
    const patients = [];
    for (const [hospital, { file }] of hospitals.entries()) {
      const bytes = await fetchDatasetFile(file, { folder, progress });
      const text = new TextDecoder().decode(bytes);
      for (const patient of readPatients(text, file.path)) patients.push({ ...patient, hospital });
    }
    const table = {
      features: Float32Array.from(patients.flatMap((patient) => patient.features)),
      labels: Int32Array.from(patients, (patient) => patient.label),
      contributors: Int32Array.from(patients, (patient) => patient.hospital),
      width: measurements.length,
    };
    const rows = stratifiedSplit(table, Random.named(seed, 'heart/held-out'));
    const scaled = standardise(imputeMedians(table, rows.train), rows.train);
    const dataset: Dataset = {
      card: { ...card, featureScale: scaled.scale },
      contributors: hospitals.map(({ name, note }) => ({ name, note })),
      train: gatherTrainRows(scaled, rows.train),
      heldOut: gatherRows(scaled, rows.heldOut),
    };
    validateDataset(dataset);
    return dataset;
  },
};
