/** The rows that the options name, and who is paid for them. */
import { findDatasetSource } from '../../datasets/index.js';
import { developmentAddress } from '../chain/index.js';
import { FIRST_CONTRIBUTOR_ACCOUNT } from '../chain/validator/index.js';
import { type Dataset, readContributorList, readCsvDataset } from '../data/index.js';
import { MeedError, type Progress } from '../foundation/index.js';
import type { RunOptions } from './run.js';

export interface PaidRows {
  readonly data: Dataset;
  /** Of each contributor: the account that the contributors' list names, a development account otherwise. */
  readonly payoutAddresses: readonly string[];
}

/** @throws MeedError when the data set is unknown, or the CSV file cannot be read as the options say */
export async function loadRows(options: RunOptions, progress: Progress): Promise<PaidRows> {
  const { csv, label, contributor, text, contributors, seed } = options;
  if (csv === undefined) {
    return withAccounts(await findDatasetSource(options.dataset).load({ seed, progress }), new Map());
  }
  if (label === undefined || contributor === undefined) {
    throw new MeedError(`${csv} needs to be told its columns`, 'Give --label COLUMN and --contributor COLUMN', {
      exitCode: 2,
    });
  }
  const data = await readCsvDataset({
    file: csv,
    labelColumn: label,
    contributorColumn: contributor,
    textColumn: text,
    contributorsFile: contributors,
    seed,
    progress,
  });
  const listed = contributors === undefined ? [] : await readContributorList(contributors);
  const accounts = listed.flatMap(({ name, address }) => (address === undefined ? [] : [[name, address] as const]));
  return withAccounts(data, new Map(accounts));
}

function withAccounts(data: Dataset, given: ReadonlyMap<string, string>): PaidRows {
  const account = ({ name }: { readonly name: string }, i: number): string =>
    given.get(name) ?? developmentAddress(FIRST_CONTRIBUTOR_ACCOUNT + i);
  return { data, payoutAddresses: data.contributors.map(account) };
}
