/** `meed keystore new | import | address`: accounts for the daemons, only ever on the disk encrypted. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Wallet } from 'ethers';
import { createKeystore, importKeystore, openKeystore, readPassword } from '../../chain/daemon/index.js';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { askPassword } from '../daemon.js';

interface Values {
  readonly passwordFile?: string;
  readonly keyFile?: string;
  readonly json?: true;
}

export function keystoreCommand(): Command {
  const made = new Command('keystore')
    .description('makes and reads encrypted accounts for `meed validator` and `meed auditor`')
    .addHelpText(
      'after',
      '\nThe file is Web3 Secret Storage (scrypt), which wallets read too. Without its password it is worth nothing, and lost.\n' +
        'Key and password never stand in an argument: other users of the machine see those.\n\nExamples:\n  meed keystore new validator.json\n  meed keystore address validator.json --password-file password --json',
    )
    .exitOverride();
  made.addCommand(
    keyed('new', 'makes a new account').action(async (file: string, _, self: Command) => {
      const values = self.opts<Values>();
      print(await createKeystore(file, await newPassword(values)), values);
    }),
  );
  made.addCommand(
    keyed('import', 'encrypts a private key that exists')
      .requiredOption('--key-file <file>', 'holds the key as hex; delete it afterwards')
      .action(async (file: string, _, self: Command) => {
        const { keyFile = '', ...values } = self.opts<Values>();
        const key = await readFile(keyFile, 'utf8').catch((error: unknown) => {
          throw explainFileError(error, keyFile);
        });
        print(await importKeystore(file, key, await newPassword(values)), values);
      }),
  );
  made.addCommand(
    keyed('address', 'opens a keystore and prints its address').action(async (file: string, _, self: Command) => {
      const values = self.opts<Values>();
      const { passwordFile } = values;
      const password = passwordFile === undefined ? await askPassword('Password: ') : await readPassword(passwordFile);
      print(new Wallet((await openKeystore(file, password)).privateKey).address, values);
    }),
  );
  return made;
}

function keyed(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .argument('<file>', 'the keystore')
    .option('--password-file <file>', 'its first line is the password; asked for on a terminal otherwise')
    .option('--json', 'print the address as JSON')
    .exitOverride();
}

/** Asked for twice, since a slip of the hand would lose the key. */
async function newPassword({ passwordFile }: Values): Promise<string> {
  if (passwordFile !== undefined) return readPassword(passwordFile);
  const password = await askPassword('New password: ');
  if ((await askPassword('Again: ')) === password) return password;
  throw new MeedError('The two passwords differ', 'Type them again', { exitCode: 2 });
}

function print(address: string, { json }: Values): void {
  process.stdout.write(`${json ? JSON.stringify({ address }) : address}\n`);
}
