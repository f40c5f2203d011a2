/**
 * Errors that a person can act on. Everything Meed refuses is a `MeedError`: one sentence that names the thing and the
 * value, and one that says what to do. The command line prints the two and exits with the error's code; anything else
 * that is thrown is a defect of ours and keeps its stack.
 */

/** Exit status of the command line: 1 = a check failed or the input is wrong, 2 = the command was used wrongly. */
export type ExitCode = 1 | 2;

export class MeedError extends Error {
  override readonly name = 'MeedError';
  readonly remedy: string;
  readonly exitCode: ExitCode;

  /**
   * @param problem what is wrong, naming the file, row or value; a sentence without its full stop
   * @param remedy  what the reader can do about it; a sentence without its full stop
   */
  constructor(problem: string, remedy: string, options: { cause?: unknown; exitCode?: ExitCode } = {}) {
    super(`${problem}. ${remedy}.`, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = remedy;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node system error ("ENOENT", "EACCES"), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Turns a failed file operation into a sentence with a remedy; other errors pass through unchanged. */
export function explainFileError(thrown: unknown, path: string): unknown {
  const remedies: Record<string, [string, string]> = {
    ENOENT: [`${path} does not exist`, 'Check the path, or run the stage that makes it'],
    EACCES: [`${path} may not be accessed`, 'Give this user the permission, or choose another folder with --out'],
    EPERM: [`${path} may not be written`, 'Choose another folder with --out'],
    EROFS: [`${path} is on a read-only file system`, 'Choose another folder with --out'],
    ENOSPC: [
      `There is no space left for ${path}`,
      'Free some space or choose another folder with --out; finished stages are kept',
    ],
    ENOTDIR: [`${path} lies below something that is not a folder`, 'Choose another folder with --out'],
    EEXIST: [`A file stands where the folder ${path} is to be made`, 'Choose another folder with --out'],
    EISDIR: [`${path} is a folder, a file was expected`, 'Check the path'],
  };
  const known = remedies[systemCode(thrown) ?? ''];
  return known ? new MeedError(known[0], known[1], { cause: thrown }) : thrown;
}
