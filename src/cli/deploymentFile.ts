/** A deployment in a file of its own, as `meed chain up` writes it. */
import { readFile } from 'node:fs/promises';
import { type Deployment, parseDeployment } from '../chain/index.js';
import { explainFileError, MeedError } from '../foundation/index.js';

/** @throws MeedError when the file cannot be read, or is no deployment */
export async function readDeployment(path: string): Promise<Deployment> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  return parseDeployment(jsonFrom(text, path));
}

function jsonFrom(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MeedError(`${path} is not JSON`, 'Give the deployment as Meed wrote it', { cause });
  }
}
