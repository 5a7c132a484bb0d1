/** What a test undoes at its end, last things first: `after` hooks of the test runner run in the
 *  order of their registration, so that a directory would go while what was opened in it lives. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Undo = () => unknown;
/** A test, or `{ after }` of `node:test`: the end of all tests of a file. */
type Ending = { readonly after: (undo: () => Promise<void>) => void };

const undone = new WeakMap<Ending, Undo[]>();

/** Runs `undo` at the end of the test: before all that was registered here earlier. Each runs,
 *  whatever others throw; the first error fails the test. */
export function atEnd(t: Ending, undo: Undo): void {
  const known = undone.get(t);
  if (known !== undefined) {
    known.push(undo);
    return;
  }
  const all = [undo];
  undone.set(t, all);
  t.after(async () => {
    const errors: unknown[] = [];
    for (let next = all.pop(); next !== undefined; next = all.pop()) {
      try {
        await next();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  });
}

/** A directory of its own, removed after all that a test has opened since. */
export function temporaryDir(t: Ending, prefix = "test-", below = tmpdir()): string {
  const dir = newFolder(prefix, below);
  atEnd(t, () => removeFolder(dir));
  return dir;
}

/** The same for what is no test: removed at the end of a `using`. */
export function temporaryFolder(prefix: string, below = tmpdir()) {
  const path = newFolder(prefix, below);
  return { path, [Symbol.dispose]: () => removeFolder(path) };
}

/** For an object that removes it itself. */
export function newFolder(prefix: string, below = tmpdir()): string {
  return mkdtempSync(join(below, prefix));
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}
