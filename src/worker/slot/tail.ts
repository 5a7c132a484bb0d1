/** The last bytes of a stream, and how many there were: enough to explain an end, bounded whatever
 *  is written. */
export class Tail {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #keptBytes = 0;
  /** All that ever came. */
  sizeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.length;
    while (this.#keptBytes - this.#chunks[0]!.length >= this.#maxBytes) {
      this.#keptBytes -= this.#chunks.shift()!.length;
    }
  }

  text(): string {
    const bytes = Buffer.concat(this.#chunks);
    return bytes.subarray(Math.max(0, bytes.length - this.#maxBytes)).toString("utf8");
  }
}
