/** The low-water mark of the disk: below it no new jobs and uploads are accepted, so that running
 *  jobs can end. Uploads of workers for those jobs are accepted until the disk is really full. */
import { ClusterError } from "../../core/error.ts";
import { defaultMarkBytes, diskSpace } from "../../store/disk-space.ts";

/** An upload is checked again after this many bytes. */
const askEveryBytes = 8 * 1024 * 1024;

export class LowWater {
  readonly #dir: string;
  readonly #markBytes: number;

  /** `markBytes` 0 = no mark. */
  constructor(dir: string, markBytes: number = defaultMarkBytes(diskSpace(dir))) {
    this.#dir = dir;
    this.#markBytes = markBytes;
  }

  /** Less than twice the mark is left: before anything is refused or paused. */
  isNear(): boolean {
    return this.#markBytes > 0 && diskSpace(this.#dir).freeBytes < 2 * this.#markBytes;
  }

  /** Throws `storage-full`, which may be retried. `what` is the subject of a sentence, `share` the
   *  part of the mark that applies. */
  mustBeAbove(what: string, share = 1): void {
    if (this.#markBytes === 0) return;
    const { freeBytes } = diskSpace(this.#dir);
    if (freeBytes >= this.#markBytes * share) return;
    const mark = `${share === 1 ? "" : `${share} × `}lowWaterBytes (${this.#markBytes})`;
    throw new ClusterError(
      "storage-full",
      `${what} is refused: the coordinator's disk has ${freeBytes} bytes left, less than ` +
        `${mark}; free some, or remove jobs with \`tequio rm\``,
    );
  }

  /** The same stream, aborted when it would take the disk below the mark. */
  async *guarded(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    what: string,
    share = 1,
  ): AsyncGenerator<Uint8Array> {
    let passedBytes = 0;
    for await (const chunk of chunks) {
      passedBytes += chunk.byteLength;
      if (passedBytes >= askEveryBytes) {
        passedBytes = 0;
        this.mustBeAbove(what, share);
      }
      yield chunk;
    }
  }
}
