import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { explainFileError, MeedError, messageOf, systemCode } from '../../src/foundation/index.js';

async function thrownBy(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('errors', () => {
  it('say what is wrong and what to do, and keep both, the cause and the exit code', () => {
    const cause = new Error('inner');
    const error = new MeedError('The row 7 has no label', 'Add one', { cause, exitCode: 2 });
    expect(error.message).toBe('The row 7 has no label. Add one.');
    expect(error).toMatchObject({ name: 'MeedError', remedy: 'Add one', exitCode: 2, cause });
    expect(new MeedError('a', 'b').exitCode).toBe(1);
    expect('cause' in new MeedError('a', 'b')).toBe(false);
  });

  it('turn what the file system really throws into sentences that name the path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meed-errors-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const [path, code, said] of [
      [join(folder, 'none'), 'ENOENT', /none does not exist\. Check the path/],
      [folder, 'EISDIR', /is a folder, a file was expected/],
      [join(file, 'below'), 'ENOTDIR', /lies below something that is not a folder/],
    ] as const) {
      const thrown = await thrownBy(() => readFile(path));
      expect(systemCode(thrown)).toBe(code);
      const explained = explainFileError(thrown, path);
      expect(explained).toBeInstanceOf(MeedError);
      expect(explained).toMatchObject({ cause: thrown, message: expect.stringMatching(said) });
      expect(messageOf(explained)).toContain(path);
    }
  });

  it.each(['EACCES', 'EPERM', 'EROFS', 'ENOSPC'])('know a remedy for %s', (code) => {
    const explained = explainFileError(Object.assign(new Error('x'), { code }), '/data/run');
    expect(explained).toBeInstanceOf(MeedError);
    expect(messageOf(explained)).toMatch(/\/data\/run.*\. .*--out/);
  });

  it('pass everything else through unchanged', () => {
    const refusal = new MeedError('a', 'b');
    for (const thrown of [refusal, new TypeError('defect'), 'text', null, { code: 7 }]) {
      expect(explainFileError(thrown, '/x')).toBe(thrown);
    }
    expect(messageOf('text')).toBe('text');
    expect(messageOf(null)).toBe('null');
  });
});
