/** An auditor that a test can kill: node url, deployment JSON, private key, state folder, library. */
import { runAuditor } from '../../../src/chain/daemon/index.js';
import { parseDeployment } from '../../../src/chain/index.js';
import { verificationKeyOf } from '../../prover/support/forgedKeys.js';
import { forgeableKey } from '../forge.js';
import { disputeKeys } from './disputeWorld.js';

const [url, json, privateKey, state, openings] = process.argv.slice(2);
const deployment = parseDeployment(JSON.parse(json));
const { columns, slots } = deployment.instance;
const keys = await disputeKeys(columns, deployment.disputes?.levels ?? 0, slots);
const leave = new AbortController();
process.on('SIGTERM', () => leave.abort());
await runAuditor({
  url,
  deployment,
  key: verificationKeyOf(forgeableKey('development').words),
  challenge: { privateKey, keys },
  state,
  openings,
  pollMs: 50,
  confirmations: 0,
  feeCap: 10n ** 12n,
  backOff: { firstMs: 200, longestMs: 500 },
  signal: leave.signal,
  tell: (line) => process.stdout.write(`${line}\n`),
});
