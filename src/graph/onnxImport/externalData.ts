/**
 * Tensors that an ONNX file keeps beside itself. The file names a path, an offset and a length; all three come from
 * whoever wrote the file and are believed only within the file's own folder and the other file's extent.
 * The trap: a symbolic link inside the folder may point out of it, so the path is judged after links are resolved.
 */
import { open, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { explainFileError, MeedError } from '../../foundation/index.js';
import type { TensorProto } from './proto.js';

/**
 * @param model path of the `.onnx` file
 * @param length bytes that the tensor's type and shape ask for
 * @throws MeedError when the entry leaves the folder, or its range is not exactly there
 */
export async function readExternal(model: string, tensor: TensorProto, length: number): Promise<Uint8Array> {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const what = `The external data of the tensor "${tensor.name}"`;
  const location = entries.get('location') ?? '';
  const path = await insideFolder(model, location, what);
  const offset = wholeNumber(entries.get('offset') ?? '0', `${what}: its offset`);
  const claimed = wholeNumber(entries.get('length') ?? String(length), `${what}: its length`);
  if (claimed !== length) {
    throw new MeedError(
      `${what} is ${claimed} bytes, its type and shape ask for ${length}`,
      'Export the model again; the two files do not belong together',
    );
  }
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (offset + length > size) {
        throw new MeedError(
          `${what} ends at byte ${offset + length} of ${location}, which has ${size}`,
          'Copy the whole file; perhaps it was cut short',
        );
      }
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new MeedError(`${location} became shorter while it was read`, 'Try again');
        done += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explainFileError(error, path);
  }
}

async function insideFolder(model: string, location: string, what: string): Promise<string> {
  const refuse = (): never => {
    throw new MeedError(
      `${what} is at "${location}", which is not inside the folder of the model`,
      'Only load models whose data lies beside them; do not trust this file',
    );
  };
  const parts = location.split(/[\\/]/);
  if (location === '' || location.includes('\0') || isAbsolute(location) || /^[A-Za-z]:/.test(location)) refuse();
  if (parts.includes('..')) refuse();
  try {
    const folder = await realpath(dirname(model));
    const path = await realpath(join(folder, location));
    const inner = relative(folder, path);
    if (inner === '' || inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) refuse();
    return path;
  } catch (error) {
    throw explainFileError(error, join(dirname(model), location));
  }
}

function wholeNumber(text: string, what: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new MeedError(`${what} is "${text}"`, 'It must be a whole number of bytes; export the model again');
  }
  return value;
}
