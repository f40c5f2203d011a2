/** Shows the token and pays one account's credit out to it. */
const { amountText, firstCredited, openChain } = require('./credited');

async function main() {
  const chain = openChain();
  const { meed } = chain;
  console.log(`Token     ${await meed.name()} (${await meed.symbol()}) at ${await meed.getAddress()}`);
  const { account, credit } = await firstCredited(chain);
  console.log(`Account   ${account.address}`);
  console.log(`Credit    ${amountText(credit)}`);
  const before = await meed.balanceOf(account.address);
  const receipt = await (await chain.at('EpochSettlement', account).withdraw()).wait();
  const received = (await meed.balanceOf(account.address)) - before;
  console.log(`Received  ${amountText(received)} for ${receipt.gasUsed} gas`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
