/** A bounded number of open files, the least recently used closed first; a file that is being read
 *  stays open. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

type Entry = { readonly file: Promise<FileHandle>; users: number };

export class Descriptors {
  readonly #max: number;
  readonly #open = new Map<string, Entry>();

  constructor(max = 128) {
    this.#max = max;
  }

  /** Runs `work` with the file open for reading; a symbolic link is not followed. */
  async use<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
    const entry = this.#open.get(path) ?? {
      file: open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)),
      users: 0,
    };
    this.#open.delete(path);
    this.#open.set(path, entry);
    entry.users += 1;
    try {
      return await work(await entry.file);
    } catch (error) {
      // It is opened again next time: it may have been replaced.
      if (this.#open.get(path) === entry) this.#open.delete(path);
      if (entry.users === 1) closeQuietly(entry);
      throw error;
    } finally {
      entry.users -= 1;
      this.#shrink();
    }
  }

  /** Forgets a file, so that the next use opens what has the name then. */
  drop(path: string): void {
    const entry = this.#open.get(path);
    if (entry === undefined || entry.users > 0) return;
    this.#open.delete(path);
    closeQuietly(entry);
  }

  close(): void {
    for (const path of [...this.#open.keys()]) this.drop(path);
  }

  #shrink(): void {
    for (const [path, entry] of this.#open) {
      if (this.#open.size <= this.#max) return;
      if (entry.users === 0) this.drop(path);
    }
  }
}

function closeQuietly(entry: Entry): void {
  entry.file.then((file) => file.close()).catch(() => {});
}
