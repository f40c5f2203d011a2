/** Contracts and TypeScript name the same constants, and every refusal has a remedy. */
import { type Contract, Interface } from 'ethers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contractAt } from '../../src/chain/deploy.js';
import { compileContracts } from '../../src/chain/index.js';
import { explainedErrors } from '../../src/chain/refusals.js';
import { SLOT_ROWS_MAX } from '../../src/prover/reference/index.js';
import { DEPLOYER, OWNER, openWorld, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
}, 120_000);
afterAll(async () => world?.stop());

it('every error of our own has a remedy, and no remedy is for an error that is gone', async () => {
  const compiled = await compileContracts();
  const declared = new Set(
    Object.values(compiled).flatMap(({ abi }) =>
      new Interface(abi).fragments.flatMap((f) => (f.type === 'error' ? [f.format('minimal').split(/[ (]/)[1]] : [])),
    ),
  );
  const foreign =
    /^(ERC\d+|ECDSA|Safe|Checkpoint|Votes|InvalidAccountNonce|InvalidShortString|StringTooLong|Ownable|Reentrancy|Governor|Timelock|AccessControl|FailedCall|InsufficientBalance|QueueEmpty|QueueFull)/;
  expect([...declared].filter((name) => !foreign.test(name) && !explainedErrors.includes(name))).toEqual([]);
  expect(explainedErrors.filter((name) => !declared.has(name))).toEqual([]);
});

it('a slot holds as many rows as the reference says', async () => {
  const indexes: Contract = await contractAt(
    (await world.as(OWNER)).account,
    world.deployed.deployment,
    'IndexRegistry',
  );
  expect(await indexes.getFunction('SLOT_ROWS_MAX').staticCall()).toBe(BigInt(SLOT_ROWS_MAX));
});

it('the token is capped and minted by its owner, and refuses anybody else', async () => {
  const token = await contractAt((await world.as(OWNER)).account, world.deployed.deployment, 'AttributionToken');
  const deployer = (await world.as(DEPLOYER)).account;
  const stranger = (await world.as(OWNER)).account;
  await expect(stranger.send('mint', token, 'mint', [stranger.address, 1n])).rejects.toThrow(
    'OwnableUnauthorizedAccount',
  );
  await deployer.send('mint', token, 'mint', [stranger.address, 10n ** 27n]);
  await expect(deployer.send('mint', token, 'mint', [stranger.address, 1n])).rejects.toThrow('ERC20ExceededCap');
});

it('a fee policy that is not whole is refused', async () => {
  const { treasury, stakers } = { treasury: `0x${'1'.repeat(40)}`, stakers: `0x${'2'.repeat(40)}` };
  const policy = { platformBps: 0, betaBps: 1, gammaBps: 0, deltaBps: 9998, treasury, stakers };
  await expect(openWorld({ slots: 2, queries: 2, columns: 4 }, { policy })).rejects.toThrow('PartsNotWhole(9999)');
});
