/**
 * Demanded openings, one typed function each: a row is demanded, its owner answers, an answer is read from the chain and
 * refuted, a request whose time is over is closed.
 * The trap: nobody hashes a true answer on chain, so somebody has to look at every answer within the refutation window.
 */
import { MeedError } from '../foundation/index.js';
import type { RowAnswer } from '../prover/index.js';
import type { Sent } from './account.js';
import type { ChainClient } from './client.js';
import { approveJudge, judgeAt, sendToJudge } from './judges.js';
import { integer, listOf, record } from './values.js';

/** One row of one index. */
export interface RowPlace {
  readonly index: string;
  readonly row: number;
}

/** Lets the contract take `amount` of the account's tokens for deposits. */
export function approveRequests(client: ChainClient, amount: bigint): Promise<Sent> {
  return approveJudge(client, 'DataRequests', amount);
}

/** Demands the opening of a row, with a deposit from what approveRequests allowed. */
export function requestRow(client: ChainClient, { index, row }: RowPlace): Promise<Sent> {
  return sendToJudge(client, 'DataRequests', 'request', [index, row]);
}

/** Opens a row in public; only the owner of the index may. */
export function answerRow(client: ChainClient, { index, row }: RowPlace, answer: RowAnswer): Promise<Sent> {
  return sendToJudge(client, 'DataRequests', 'answer', [index, row, tupleOf(answer)]);
}

/** Shows that the hash at a step of an answer is wrong; wrongStep finds it. */
export function refuteAnswer(
  client: ChainClient,
  { index, row, step }: RowPlace & { readonly step: number },
  answer: RowAnswer,
): Promise<Sent> {
  return sendToJudge(client, 'DataRequests', 'refute', [index, row, tupleOf(answer), step]);
}

/** Ends a request whose deadline has passed; anyone may. */
export function closeRequest(client: ChainClient, { index, row }: RowPlace): Promise<Sent> {
  return sendToJudge(client, 'DataRequests', 'close', [index, row]);
}

/** The answer to a request, as it stands on chain; undefined when there is none. */
export async function readAnswer(client: ChainClient, { index, row }: RowPlace): Promise<RowAnswer | undefined> {
  const requests = await judgeAt(client, 'DataRequests');
  const topics = requests.interface.encodeFilterTopics('RowAnswered', [index, row]);
  const { provider } = client.account;
  const { fromBlock } = client.deployment;
  const [log] = await provider.getLogs({ address: String(requests.target), topics, fromBlock });
  if (log === undefined) return undefined;
  const parsed = requests.interface.parseLog(log);
  if (parsed === null) throw new MeedError('The node gave a log that is no answer', 'Use another node');
  return answerOf(record(parsed.args.getValue('answer').toObject(), 'answer'));
}

function answerOf(fields: Record<string, unknown>): RowAnswer {
  const words = (name: string): bigint[] => listOf(fields[name], name, integer);
  return {
    dataSetLeaf: integer(fields.dataSetLeaf, 'dataSetLeaf'),
    contributor: integer(fields.contributor, 'contributor'),
    row: words('row'),
    prefix: words('prefix'),
    siblings: words('siblings'),
    hashes: words('hashes'),
  };
}

function tupleOf({ dataSetLeaf, contributor, row, prefix, siblings, hashes }: RowAnswer) {
  return { dataSetLeaf, contributor, row: [...row], prefix: [...prefix], siblings: [...siblings], hashes: [...hashes] };
}
