/**
 * A connection that a stage works on: a node of our own that goes on from a saved state and is saved again with the
 * stage's artefact, or somebody else's node by its URL. Because a stage's chain is a file, a killed stage leaves no trace
 * and is simply run again.
 * The trap: the development accounts are worthless anywhere else, so another chain needs a key in MEED_PRIVATE_KEY.
 */
import { join } from 'node:path';
import { MeedError } from '../../foundation/index.js';
import { Account, type Credentials } from '../account.js';
import { DEVELOPMENT_CHAIN_ID, startNode } from '../node.js';

/** Who acts. On the development chain each has an account of its own. */
export const ROLE_ACCOUNT = { host: 0, payer: 1, validator: 2, stakers: 3, treasury: 4 } as const;
export type SessionRole = keyof typeof ROLE_ACCOUNT;
/** Contributors' development accounts begin here. */
export const FIRST_CONTRIBUTOR_ACCOUNT = 10;

export const STATE_FILE = 'state.json';

export interface ChainLocation {
  /** An external node; a node of our own when absent. */
  readonly rpc?: string;
  readonly chainId?: number;
  /** Folder of the artefact whose state a node of our own goes on from; a fresh chain when absent. */
  readonly from?: string;
}

export interface ChainSession {
  readonly url: string;
  readonly chainId: number;
  readonly kind: 'own node' | 'external node';
  account(role: SessionRole | number): Promise<Account>;
  /** Saves the state of a node of our own into the folder; nothing for an external one. */
  save(folder: string): Promise<void>;
}

export async function withSession<T>(location: ChainLocation, work: (session: ChainSession) => Promise<T>): Promise<T> {
  const chainId = location.chainId ?? DEVELOPMENT_CHAIN_ID;
  const loadState = location.from === undefined ? undefined : join(location.from, STATE_FILE);
  const node = location.rpc === undefined ? await startNode({ chainId, loadState }) : undefined;
  const url = node?.url ?? location.rpc ?? '';
  let connection: Account | undefined;
  const open = async (credentials: Credentials): Promise<Account> => {
    if (connection) return connection.as(credentials);
    connection = await Account.connect(url, chainId, credentials);
    return connection;
  };
  try {
    return await work({
      url,
      chainId,
      kind: node ? 'own node' : 'external node',
      account: (role) => open(credentialsOf(role, chainId)),
      save: async (folder) => {
        await node?.saveState(join(folder, STATE_FILE));
      },
    });
  } finally {
    connection?.close();
    await node?.stop();
  }
}

function credentialsOf(role: SessionRole | number, chainId: number): Credentials {
  if (chainId === DEVELOPMENT_CHAIN_ID) return { development: typeof role === 'number' ? role : ROLE_ACCOUNT[role] };
  const privateKey = process.env.MEED_PRIVATE_KEY;
  if (privateKey === undefined) {
    throw new MeedError(`Chain ${chainId} needs an account with funds`, 'Set MEED_PRIVATE_KEY to its private key');
  }
  return { privateKey };
}

/** Gives accounts of the development chain the ether that their transactions need. */
export async function fundDevelopment(account: Account, addresses: readonly string[]): Promise<void> {
  if (account.chainId !== DEVELOPMENT_CHAIN_ID) return;
  for (const address of addresses)
    await account.provider.send('anvil_setBalance', [address, `0x${(10n ** 18n).toString(16)}`]);
}
