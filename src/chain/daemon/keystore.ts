/**
 * Keys on the disk, only as encrypted JSON (Web3 Secret Storage version 3: scrypt and AES-128-CTR), which every wallet
 * reads. The password comes from a file or from the terminal, never from an argument or the environment, which other
 * processes of the machine can see; and no key appears in a log or an error.
 */
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { HDNodeWallet, isKeystoreJson, Wallet } from 'ethers';
import { explainFileError, MeedError, systemCode } from '../../foundation/index.js';

/** Only the owner may read. */
const PRIVATE_MODE = 0o600;
const OTHERS = 0o077;

/** Makes a new key in a file that must not be there. @returns its address */
export async function createKeystore(path: string, password: string): Promise<string> {
  return writeKeystore(path, HDNodeWallet.createRandom(), password);
}

/** Encrypts a key that exists, as 0x hex. @returns its address */
export async function importKeystore(path: string, privateKey: string, password: string): Promise<string> {
  let wallet: Wallet;
  try {
    wallet = new Wallet(privateKey.trim());
  } catch {
    // the cause names the key, so it is left out
    throw new MeedError('That is no private key', 'Give 32 bytes as hex');
  }
  return writeKeystore(path, wallet, password);
}

/** The private key of a keystore. @throws MeedError when it is none, others may read it, or the password is wrong */
export async function openKeystore(path: string, password: string): Promise<{ readonly privateKey: string }> {
  const json = await readFile(path, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  await requirePrivate(path);
  if (!isKeystoreJson(json)) {
    throw new MeedError(
      `${path} is no encrypted keystore`,
      'Make one with `meed keystore new` or `meed keystore import`',
    );
  }
  try {
    const { privateKey } = await Wallet.fromEncryptedJson(json, password);
    return { privateKey };
  } catch {
    throw new MeedError(`${path} does not open with this password`, 'Check the password file');
  }
}

/** The first line of a file that only its owner may read. */
export async function readPassword(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  await requirePrivate(path);
  const password = text.split(/\r?\n/)[0];
  if (password !== '') return password;
  throw new MeedError(`The first line of ${path} is empty`, 'Write the password into it');
}

async function writeKeystore(path: string, wallet: Wallet | HDNodeWallet, password: string): Promise<string> {
  if (password === '') throw new MeedError('An empty password protects nothing', 'Choose a password');
  const account = 'mnemonic' in wallet ? new Wallet(wallet.privateKey) : wallet;
  const json = await account.encrypt(password);
  try {
    await writeFile(path, `${json}\n`, { flag: 'wx', mode: PRIVATE_MODE });
    await chmod(path, PRIVATE_MODE);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw explainFileError(error, path);
    throw new MeedError(`${path} is there already`, 'Choose another file: a key that is overwritten is lost', {
      cause: error,
    });
  }
  return account.address;
}

/** Windows has no such modes, and shows none. */
async function requirePrivate(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(path);
  if ((mode & OTHERS) === 0) return;
  throw new MeedError(`Others on this machine may read ${path}`, `Take it from them: chmod 600 ${path}`);
}
