/** Constraints of hashes, by hand: what circuits/poseidon.circom and circuits/chain.circom say that they cost. */

/** Partial rounds of Poseidon(1) … Poseidon(16), table 8 of the paper. */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/** Three an S-box, of which the first acts on a constant. */
export function poseidonCost(inputs: number): number {
  return 3 * (8 * (inputs + 1) + PARTIAL_ROUNDS[inputs - 1]) - 3;
}

export function chainCost(elements: number): number {
  let cost = 0;
  for (let left = elements; left > 0; left -= 15) cost += poseidonCost(Math.min(left, 15) + 1);
  return cost;
}
