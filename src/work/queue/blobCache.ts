/** Blobs that a worker has fetched, the least recently used dropped first: a data set that many jobs share comes once. */
export class BlobCache {
  readonly #blobs = new Map<string, Promise<Uint8Array>>();
  readonly #fetch: (hash: string) => Promise<Uint8Array>;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number, fetch: (hash: string) => Promise<Uint8Array>) {
    this.#mostBytes = mostBytes;
    this.#fetch = fetch;
  }

  async get(hash: string): Promise<Uint8Array> {
    const known = this.#blobs.get(hash);
    if (known) {
      this.#blobs.delete(hash);
      this.#blobs.set(hash, known);
      return known;
    }
    const fetched = this.#fetch(hash);
    this.#blobs.set(hash, fetched);
    try {
      this.#bytes += (await fetched).byteLength;
    } catch (error) {
      this.#blobs.delete(hash);
      throw error;
    }
    for (const [oldest, blob] of this.#blobs) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#blobs.delete(oldest);
      this.#bytes -= (await blob).byteLength;
    }
    return fetched;
  }
}
