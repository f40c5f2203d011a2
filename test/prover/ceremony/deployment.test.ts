/**
 * What a ceremony's key is good for: a chain that is no development chain takes it once it was verified here, and takes no
 * other; and an audit finds out when the key on chain, the circuit or the transcript is not what the manifest sealed.
 */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { keyOfDeployment, requireKeyOnChain } from '../../../src/chain/auditor/key.js';
import { deploymentJson, parseDeployment } from '../../../src/chain/deploy.js';
import { Account, type ChainNode, deploy, startNode } from '../../../src/chain/index.js';
import {
  applyBeacon,
  ceremonyKey,
  compileCircuit,
  contribute,
  developmentKey,
  keyWords,
  type ProvingKey,
  publishCeremony,
  startCeremony,
} from '../../../src/prover/index.js';
import { forgeableKey } from '../../chain/forge.js';
import { deployOptions } from '../../chain/world.js';
import { SMALL, TINY } from '../support/statements.js';
import {
  ANNOUNCEMENT,
  BEACON_VALUE,
  beforeNoon,
  CIRCUIT,
  forgetVerified,
  PATIENCE,
  PHASE1,
  removeTemporary,
  temporary,
} from './fixture.js';

vi.setConfig({ testTimeout: PATIENCE, hookTimeout: PATIENCE });

const ABROAD = 13371;

describe.skipIf(PHASE1 === undefined)('the key of a ceremony', () => {
  let key: ProvingKey;
  let published: string;
  let node: ChainNode;
  let deployer: Account;
  /** Of the chain stage, with the transcript. */
  let chainFolder: string;

  beforeAll(async () => {
    const setup = join(await temporary(), 'setup');
    const phase1 = PHASE1 ?? '';
    await startCeremony(setup, CIRCUIT, ANNOUNCEMENT, { phase1, clock: beforeNoon(60) });
    await contribute(setup, 'Ada Lovelace', '', { clock: beforeNoon(40) });
    await contribute(setup, 'Emmy Noether', '', { clock: beforeNoon(20) });
    await applyBeacon(setup, BEACON_VALUE, { clock: beforeNoon(-1) });
    published = join(setup, '..', 'published');
    await publishCeremony(setup, published, { phase1 });
    key = await ceremonyKey(published, await compileCircuit(CIRCUIT));
    chainFolder = await temporary();
    await copyFile(key.ceremony?.transcriptPath ?? '', join(chainFolder, 'ceremony.json'));
    node = await startNode({ chainId: ABROAD });
    deployer = await Account.connect(node.url, ABROAD, { development: 0 });
  });
  afterAll(async () => {
    deployer?.close();
    await node?.stop();
    await removeTemporary();
  });

  const options = (of: ProvingKey) => ({
    ...deployOptions(TINY, forgeableKey('other')),
    key: keyWords(of.verificationKey),
    ceremony: of.ceremony,
  });
  const refused = async (changes: object, sentence: string | RegExp): Promise<void> => {
    const before = await deployer.provider.getTransactionCount(deployer.address);
    await expect(deploy(deployer, { ...options(key), ...changes })).rejects.toThrow(sentence);
    expect(await deployer.provider.getTransactionCount(deployer.address)).toBe(before);
  };

  it('is deployed to a chain that is no development chain, and the deployment names its ceremony', async () => {
    const { deployment } = await deploy(deployer, options(key));
    expect(deployment.seal).toEqual(key.ceremony?.seal);
    expect(parseDeployment(JSON.parse(JSON.stringify(deploymentJson(deployment))))).toEqual(deployment);
  });

  it('is refused there while this machine has not verified it, and so is any key without a ceremony', async () => {
    const origin = key.ceremony;
    if (origin === undefined) throw new Error('the key has no origin');
    const { verified, ...unverified } = origin;
    expect(verified).toEqual(origin.seal);
    await refused({ ceremony: unverified }, /never verified on this machine\. Run `meed ceremony verify`/);
    const elsewhere = { ...origin.seal, transcriptHash: '0'.repeat(64) };
    await refused({ ceremony: { ...origin, verified: elsewhere } }, 'never verified on this machine');
    await refused({ ceremony: undefined }, 'is of no ceremony');
    await refused({ key: forgeableKey('other').words }, 'its ceremony made');
    const development = await developmentKey(key.circuit);
    await refused({ key: keyWords(development.verificationKey), ceremony: undefined }, 'secrets are public');
    await refused({ key: keyWords(development.verificationKey) }, 'secrets are public');
  });

  describe('in an audit', () => {
    const seal = () => key.ceremony?.seal ?? { circuitHash: '', keyHash: '', transcriptHash: '' };
    const audited = (changes: object, instance = TINY) =>
      keyOfDeployment({ chainId: ABROAD, seal: { ...seal(), ...changes } }, chainFolder, instance);

    it('is the one in the transcript, said to be verified where it was', async () => {
      const { verificationKey, origin } = await audited({});
      expect(keyWords(verificationKey)).toEqual(keyWords(key.verificationKey));
      expect(origin).toBe('a key of the ceremony of Ada Lovelace, Emmy Noether, verified on this machine');
      expect(() => requireKeyOnChain(keyWords(key.verificationKey), verificationKey, seal())).not.toThrow();
    });

    it.each([
      ['circuitHash', '3'.repeat(64), "the circuit's hash in the manifest"],
      ['transcriptHash', '4'.repeat(64), "the transcript's hash in the manifest"],
      ['keyHash', `0x${'5'.repeat(64)}`, "the key's hash in the manifest"],
    ])('gives one sentence when the manifest has another %s', async (name, other, sentence) => {
      await expect(audited({ [name]: other })).rejects.toThrow(`${sentence} is ${other}, the evidence gives `);
    });

    it('gives one sentence when the contract, the circuit or the transcript is another', async () => {
      const words = keyWords(key.verificationKey);
      const changed = words.map((word, i) => (i === 20 ? word + 1n : word));
      expect(() => requireKeyOnChain(changed, key.verificationKey, seal())).toThrow(/^the key's hash on chain is 0x/);
      expect(() => requireKeyOnChain(changed, key.verificationKey, undefined)).toThrow('word of the key on chain 20');
      await expect(audited({}, SMALL)).rejects.toThrow("the circuit's hash in the manifest");
      const path = join(chainFolder, 'ceremony.json');
      const whole = await readFile(path, 'utf8');
      await writeFile(path, whole.replace('Emmy', 'Emma'));
      await expect(audited({})).rejects.toThrow('was changed after it was written');
      await rm(path);
      await expect(audited({})).rejects.toThrow('ceremony.json does not exist');
      await writeFile(path, whole);
    });

    it('must be of a ceremony on every chain but the development chain', async () => {
      await expect(keyOfDeployment({ chainId: ABROAD }, chainFolder, TINY)).rejects.toThrow(
        `the ceremony of the key on chain ${ABROAD} is none`,
      );
      const { origin } = await keyOfDeployment({ chainId: 31337 }, chainFolder, TINY);
      expect(origin).toContain('forge a proof');
    });
  });

  it('must be verified again on a machine that has not done so', async () => {
    const seal = key.ceremony?.seal;
    if (seal === undefined) throw new Error('the key has no origin');
    await forgetVerified(seal);
    const again = await ceremonyKey(published, key.circuit);
    expect(again.ceremony?.seal).toEqual(seal);
    expect(again.ceremony?.verified).toBeUndefined();
    await refused({ ceremony: again.ceremony }, 'never verified on this machine');
    const { origin } = await keyOfDeployment({ chainId: ABROAD, seal }, chainFolder, TINY);
    expect(origin).toContain('not verified on this machine');
  });
});
