/** A process that reads a chain into a store, so that a test can kill it: node url, deployment JSON, store, most blocks. */
import { parseDeployment } from '../../../src/chain/index.js';
import { syncIndex } from '../../../src/chain/indexer/index.js';

const [url, deployment, store, mostBlocks] = process.argv.slice(2);
const health = await syncIndex({
  url,
  deployment: parseDeployment(JSON.parse(deployment)),
  store,
  mostBlocks: Number(mostBlocks),
  progress: (done) => process.stdout.write(`${done}\n`),
});
process.stdout.write(`${JSON.stringify(health)}\n`);
