/** Objects that processes without credentials put and read themselves, by addresses that expire:
 *  the partitions of a shuffle. They are in folders, which are removed as a whole. */
import { ClusterError } from "../../core/error.ts";
import { S3Client, type S3Times } from "./client.ts";
import { foldersBelow, keysBelow } from "./listing.ts";
import { type S3Credentials, type S3Place, s3Credentials } from "./place.ts";

export type S3ObjectsOptions = {
  /** Default: from the environment. */
  readonly credentials?: S3Credentials;
  readonly times?: Partial<S3Times>;
};

/** Removed at the same time. */
const removedAtOnce = 16;

export class S3Objects {
  readonly #client: S3Client;

  /** Throws `unauthenticated` when there are no credentials. */
  constructor(place: S3Place, { credentials = s3Credentials(), times }: S3ObjectsOptions = {}) {
    this.#client = new S3Client(place, credentials, times);
  }

  /** For a PUT of so many bytes with that `content-length`, no other. */
  putAddress(
    key: string,
    { expiresS, sizeBytes }: { expiresS: number; sizeBytes: number },
  ): string {
    return this.#client.addressOf(key, { method: "PUT", expiresS, sizeBytes });
  }

  /** For a GET, also of ranges. */
  getAddress(key: string, expiresS: number): string {
    return this.#client.addressOf(key, { method: "GET", expiresS });
  }

  /** Bytes [start, end), fewer where the object ends; null = there is no such object. */
  async read(
    key: string,
    { end, start }: { readonly start: number; readonly end: number },
  ): Promise<AsyncGenerator<Uint8Array> | null> {
    const headers = { range: `bytes=${start}-${end - 1}` };
    const answer = await this.#client.open({ method: "GET", key, headers });
    return answer === null ? null : this.#client.chunks(answer);
  }

  /** Names of the folders that have objects. */
  folders(): Promise<string[]> {
    return foldersBelow(this.#client);
  }

  async remove(folder: string): Promise<void> {
    const keys = keysBelow(this.#client, `${folder}/`);
    let failure: unknown = null;
    const lane = async () => {
      for (;;) {
        const { done, value } = await keys.next();
        if (done === true) return;
        await this.#client.text({ method: "DELETE", key: value }).catch((error: unknown) => {
          failure ??= error;
        });
      }
    };
    await Promise.all(Array.from({ length: removedAtOnce }, lane));
    if (failure instanceof ClusterError) throw failure;
  }

  close(): void {
    this.#client.close();
  }
}
