/** The contracts of deployment.json, and which of Hardhat's accounts the settlement owes something. */
const { BrowserProvider, Contract, formatUnits } = require('ethers');
const hre = require('hardhat');

const { addresses, interfaces, token } = hre.meed;

function openChain() {
  const provider = new BrowserProvider(hre.network.provider);
  const at = (name, runner) => new Contract(addresses[name], interfaces[name].abi, runner);
  return { provider, at, settlement: at('EpochSettlement', provider), meed: at('AttributionToken', provider) };
}

/** The first account with a credit, and what it is. */
async function firstCredited({ provider, settlement }) {
  for (const { address } of await provider.listAccounts()) {
    const credit = await settlement.creditOf(address);
    if (credit > 0n) return { account: await provider.getSigner(address), credit };
  }
  throw new Error('No account has a credit: start the chain with `meed chain up --from RUN`, a settled run');
}

/** "12.5 MEED" */
const amountText = (units) => `${formatUnits(units, token.decimals)} ${token.symbol}`;

module.exports = { openChain, firstCredited, amountText };
