/** Deploys Sharing, which Hardhat compiled, and withdraws an account's credit through it. */
const { ContractFactory } = require('ethers');
const hre = require('hardhat');
const { amountText, firstCredited, openChain } = require('./credited');

async function main() {
  await hre.run('compile', { quiet: true });
  const chain = openChain();
  const { meed, provider } = chain;
  const { account, credit } = await firstCredited(chain);
  const [, , first, second] = (await provider.listAccounts()).map(({ address }) => address);
  const { abi, bytecode } = await hre.artifacts.readArtifact('Sharing');
  const sharing = await new ContractFactory(abi, bytecode, account).deploy(await meed.getAddress(), first, second);
  await sharing.waitForDeployment();
  const balances = () => Promise.all([meed.balanceOf(first), meed.balanceOf(second)]);
  const before = await balances();
  await (await chain.at('EpochSettlement', account).withdrawTo(await sharing.getAddress())).wait();
  await (await sharing.share()).wait();
  const after = await balances();
  console.log(`Credit    ${amountText(credit)} of ${account.address}`);
  for (const [i, to] of [first, second].entries())
    console.log(`Received  ${amountText(after[i] - before[i])} by ${to}`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
