/**
 * Payout accounts, checked before anything is committed to them: a mistyped address would be paid for ever and owned by
 * nobody. An address in mixed case carries EIP-55's checksum and must satisfy it; all one case carries none.
 * The trap: two contributors of one account would be summed as one on chain, so each needs its own.
 */
import { getAddress, ZeroAddress } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { Contributor } from './dataset.js';

/** @throws MeedError naming the contributor whose address is missing, malformed, zero or taken */
export function checkAddresses(contributors: readonly Contributor[], addresses: readonly string[]): void {
  if (addresses.length !== contributors.length) {
    throw new MeedError(
      `There are ${addresses.length} payout addresses for ${contributors.length} contributors`,
      'Give one address a contributor, in their order',
    );
  }
  const ownerOf = new Map<string, string>();
  for (const [i, { name }] of contributors.entries()) {
    const account = checksummed(addresses[i], name);
    const owner = ownerOf.get(account);
    if (owner !== undefined) {
      throw new MeedError(
        `The contributors "${owner}" and "${name}" share the payout address ${account}`,
        'Give each contributor an address of their own',
      );
    }
    ownerOf.set(account, name);
  }
}

function checksummed(address: string, name: string): string {
  const remedy = 'Give 0x and 40 hex digits, as the wallet shows them';
  let account: string;
  try {
    account = getAddress(address);
  } catch (cause) {
    throw new MeedError(`The payout address "${address}" of contributor "${name}" is not an Ethereum address`, remedy, {
      cause,
    });
  }
  if (!address.startsWith('0x') || account === ZeroAddress) {
    throw new MeedError(`The payout address "${address}" of contributor "${name}" is nobody's account`, remedy);
  }
  return account;
}
