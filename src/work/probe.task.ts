/** The task of a round trip: hashes some bytes where it runs, so that caller and worker can be seen to agree. */
import { sha256Bytes } from '../foundation/index.js';
import { defineTask } from './task.js';

export default defineTask({
  name: 'work.probe',
  version: 1,
  module: import.meta.url,
  async run({ bytes }: { readonly bytes: Uint8Array }): Promise<{ readonly hash: Uint8Array }> {
    return { hash: sha256Bytes(bytes) };
  },
});
