/** Lets a task process read input files of this machine without a copy: by second names in the one
 *  folder that it may read. Only for processes that see that folder read-only by the kernel:
 *  through such a name the file itself could be written. */
import { randomUUID } from "node:crypto";
import { constants, linkSync, lstatSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";

export class InputLinks {
  readonly #dir: string;
  readonly #isForOwnUser: boolean;
  readonly #links: string[] = [];

  /** `isForOwnUser`: the process has another user than the worker, and reads only what all may. */
  constructor(dir: string, isForOwnUser: boolean) {
    this.#dir = dir;
    this.#isForOwnUser = isForOwnUser;
  }

  /** Whether there was any. */
  get used(): boolean {
    return this.#links.length > 0;
  }

  /** The path under which the process opens the file; null where there can be none, as on another
   *  disk. */
  add(path: string): string | null {
    const link = join(this.#dir, `input-${randomUUID()}`);
    try {
      // A second name of a link would lead out of the folder.
      const file = realpathSync(path);
      const stat = lstatSync(file);
      if (!stat.isFile()) return null;
      if (this.#isForOwnUser && (stat.mode & constants.S_IROTH) === 0) return null;
      linkSync(file, link);
    } catch {
      return null;
    }
    this.#links.push(link);
    return link;
  }

  remove(): void {
    for (const link of this.#links) rmSync(link, { force: true });
  }
}
