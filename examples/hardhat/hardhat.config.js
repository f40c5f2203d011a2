/**
 * Network settings from what `meed chain up` wrote, and the compiler from npm: Hardhat would download one otherwise.
 * The trap: the accounts are the development chain's, whose words everybody knows.
 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names');
const { extendEnvironment, subtask } = require('hardhat/config');
const solc = require('solc/package.json');

const DEVELOPMENT_WORDS = 'test test test test test test test test test test test junk';
/** A run's contributors are accounts 10 and on. */
const ACCOUNTS = 20;

const meed = JSON.parse(readFileSync(process.env.MEED_DEPLOYMENT ?? join(__dirname, 'deployment.json'), 'utf8'));

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD).setAction(async ({ solcVersion }, _, runSuper) => {
  if (solcVersion !== solc.version) return runSuper();
  return {
    version: solc.version,
    longVersion: solc.version,
    compilerPath: require.resolve('solc/soljson.js'),
    isSolcJs: true,
  };
});

extendEnvironment((environment) => {
  environment.meed = meed;
});

module.exports = {
  defaultNetwork: 'meed',
  networks: {
    meed: {
      url: meed.network.rpcUrls[0],
      chainId: meed.chainId,
      accounts: { mnemonic: DEVELOPMENT_WORDS, count: ACCOUNTS },
    },
  },
  solidity: { version: solc.version, settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: 'cancun' } },
};
