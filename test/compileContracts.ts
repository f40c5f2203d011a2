/** Compiles the contracts once before the tests: half a minute, which each worker would spend on its own. */
import { compileContracts } from '../src/chain/index.js';

export default async function setup(): Promise<void> {
  await compileContracts();
}
