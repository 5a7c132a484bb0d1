/** Lets a task process read input files of this machine: by links in the one folder that it may
 *  read.
 *  Its permissions end at that folder, and what it opens there is what a link leads to. */
import { randomUUID } from "node:crypto";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

export class InputLinks {
  readonly #dir: string;
  readonly #links: string[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Whether there was any. */
  get used(): boolean {
    return this.#links.length > 0;
  }

  /** The path under which the process opens the file; null where links cannot be made. */
  add(path: string): string | null {
    const link = join(this.#dir, `input-${randomUUID()}`);
    try {
      symlinkSync(path, link);
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
