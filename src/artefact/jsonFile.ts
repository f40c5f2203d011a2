/**
 * JSON files of an artefact. What is read is `unknown` until somebody has looked at it; the trap is a parse
 * error that would surface as a defect of ours though it is the file's.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { explainFileError, type Json, MeedError } from '../foundation/index.js';

export async function writeJson(path: string, value: Json): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** @throws MeedError when the file is missing or not JSON */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw explainFileError(error, path);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MeedError(`${path} is not JSON`, 'Make the artefact again with this version', { cause });
  }
}
