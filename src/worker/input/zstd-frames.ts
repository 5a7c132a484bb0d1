/** Finds where the frames of a zstd file end, without unfolding them (RFC 8878, section 3.1). */

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

/** Follows the headers of frames and blocks through a file that comes in chunks. */
export class ZstdFrames {
  /** start: of a frame · block: before a block's header · last: in what ends the frame. */
  #stage: "start" | "block" | "last" = "start";
  /** Bytes of a header that has not come whole. */
  #header: number[] = [];
  /** Bytes to pass before the next header, or before the frame's end. */
  #skip = 0;
  #checksumBytes = 0;

  /** Index behind the frame's last byte, or −1 when it goes on behind the chunk. What is behind the
   *  index is to be passed in again. Throws an `Error` at what is no zstd. */
  endOfFrame(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
      } else {
        this.#header.push(chunk[at++] as number);
        if (this.#stage === "start") this.#frameHeader();
        else this.#blockHeader();
      }
      if (this.#stage === "last" && this.#skip === 0) {
        this.#stage = "start";
        return at;
      }
    }
    return -1;
  }

  #frameHeader(): void {
    const header = this.#header;
    if (header.length < 5) return;
    const magic = littleEndian(header, 0, 4);
    if (magic - (magic % 16) === skippableMagic) {
      if (header.length < 8) return;
      this.#skip = littleEndian(header, 4, 4);
      this.#stage = "last";
    } else if (magic === frameMagic) {
      const descriptor = header[4] as number;
      const single = (descriptor & 0x20) !== 0;
      const sizeFlag = descriptor >> 6;
      const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 2 ** sizeFlag;
      const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
      this.#checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4;
      this.#skip = (single ? 0 : 1) + dictionaryBytes + sizeBytes;
      this.#stage = "block";
    } else {
      throw new Error("no frame begins where one must");
    }
    this.#header = [];
  }

  #blockHeader(): void {
    if (this.#header.length < 3) return;
    const header = littleEndian(this.#header, 0, 3);
    this.#header = [];
    const type = (header >> 1) & 3;
    if (type === 3) throw new Error("a block of a reserved type");
    this.#skip = type === 1 ? 1 : header >> 3;
    if ((header & 1) === 0) return;
    this.#skip += this.#checksumBytes;
    this.#stage = "last";
  }
}

function littleEndian(bytes: readonly number[], at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number);
  return value;
}
