/**
 * Which instance of ScoreMatrix serves best: what one more slot and one more query cost, measured by compiling small
 * instances, and the most slots that fit a domain beside a number of queries. A proof's time follows from its domain (a power
 * of two), so an instance should fill one; folded epochs have one query a host, and few of those leave room for slots.
 *
 *   npx tsx bench/proving/slotCost.ts [--columns 128] [--domain 17]
 *
 * The trap: lists are hashed 15 to a permutation, so the cost of one more is a step function and the slopes are good to
 * about a percent; an instance chosen here is compiled before it is listed.
 */
import { parseArgs } from 'node:util';
import { compileCircuit } from '../../src/prover/circuit.js';

const { values } = parseArgs({
  options: { columns: { type: 'string', default: '128' }, domain: { type: 'string', default: '17' } },
});
const columns = Number(values.columns);
/** Public signals and the constant take a place in the domain each. */
const PLACES = 5;
const room = 2 ** Number(values.domain) - PLACES;
const SPAN = 4;
const HOSTS = [2, 4, 10, 16, 24];

const constraints = async (slots: number, queries: number): Promise<number> =>
  (await compileCircuit({ template: 'ScoreMatrix', parameters: [slots, queries, columns] })).constraints;

const base = await constraints(2, 2);
const slot = ((await constraints(2 + SPAN, 2)) - base) / SPAN;
const query = ((await constraints(2, 2 + SPAN)) - base) / SPAN;
const fixed = base - 2 * slot - 2 * query;
process.stdout.write(
  `\nScoreMatrix at d = ${columns}: ${slot.toFixed(0)} constraints a slot, ${query.toFixed(0)} a query, ${fixed.toFixed(0)} fixed\n\n`,
);
process.stdout.write(
  `| queries | slots in 2^${values.domain} | constraints | a slot | of it fixed and queries |\n|---|---|---|---|---|\n`,
);
for (const queries of HOSTS) {
  const slots = Math.floor((room - fixed - queries * query) / slot);
  const total = fixed + slots * slot + queries * query;
  const shared = (fixed + queries * query) / slots;
  process.stdout.write(
    `| ${queries} | ${slots} | ${total.toFixed(0)} | ${(total / slots).toFixed(0)} | ${shared.toFixed(0)} |\n`,
  );
}
