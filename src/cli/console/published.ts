/** Which files this user has published from here: those, and no others, are served. They are
 *  remembered, since the server keeps them over DISCONNECT; the server is never asked what to
 *  serve, as any client may publish there in the name of any user. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { readPrivate, writePrivate } from "../../coordinator/access/private-file.ts";
import type { OpenedFile } from "../../peer/console-files.ts";
import { makeDirectory } from "../../store/directory.ts";

/** Files of one user that are remembered. */
const rememberedMax = 10_000;

export class PublishedFiles {
  readonly #dir: string;
  readonly #server: string;
  #user: string | null = null;
  #paths = new Set<string>();

  /** `server` distinguishes users of the same name at several servers. */
  constructor(dataDir: string, server: string) {
    this.#dir = join(dataDir, "console");
    this.#server = server;
  }

  get paths(): readonly string[] {
    return [...this.#paths];
  }

  /** From now on it is this user's files that are served. */
  use(user: string): void {
    this.#user = user;
    this.#paths = new Set(this.#remembered());
  }

  add(path: string): void {
    if (this.#paths.has(path) || this.#paths.size >= rememberedMax) return;
    this.#paths.add(path);
    this.#remember();
  }

  remove(path: string): void {
    if (this.#paths.delete(path)) this.#remember();
  }

  /** The user is gone from the server, with all of its files. */
  clear(user: string): void {
    const current = this.#user;
    this.use(user);
    this.#paths.clear();
    this.#remember();
    if (current !== null) this.use(current);
  }

  /** Null for what is not published, or no regular file. */
  readonly lookup = async (path: string): Promise<OpenedFile | null> => {
    if (!this.#paths.has(path)) return null;
    // A pipe in the place of a file must not hold us.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
    const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (file === null) return null;
    const found = await file.stat();
    if (!found.isFile()) {
      await file.close();
      return null;
    }
    const sizeBytes = found.size;
    const content = file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 });
    const close = async () => {
      content.destroy();
      await file.close();
    };
    return { sizeBytes, content, close };
  };

  get #file(): string {
    return join(this.#dir, `${encodeURIComponent(`${this.#user}@${this.#server}`)}.json`);
  }

  #remembered(): string[] {
    try {
      const known: unknown = JSON.parse(readPrivate(this.#file) ?? "[]");
      return Array.isArray(known) ? known.filter((path) => typeof path === "string") : [];
    } catch {
      // What cannot be read is not served.
      return [];
    }
  }

  #remember(): void {
    makeDirectory(this.#dir);
    writePrivate(this.#file, `${JSON.stringify([...this.#paths])}\n`);
  }
}
