/** Paths in JSON as a kernel looks for them: a tree of names, each compared as it is written. */
import type { GroupExports } from "./exports.ts";

type Name = { readonly name: string; field: number; readonly below: Name[]; at: number };

const noField = 0xffffffff;

/** Whether each name of the path is written in one way only. */
export function isPlainPath(path: string): boolean {
  return path.isWellFormed() && !/["\\\0-\x1f\ufffd]/.test(path);
}

export function setPaths(exports: GroupExports, paths: readonly string[]): void {
  const root: Name = { name: "", field: noField, below: [], at: 0 };
  for (const [field, path] of paths.entries()) {
    let parent = root;
    for (const name of path.split(".")) {
      let child = parent.below.find((one) => one.name === name);
      if (child === undefined) {
        child = { name, field: noField, below: [], at: 0 };
        parent.below.push(child);
      }
      parent = child;
    }
    parent.field = field;
  }
  // Level by level, so that those below a name follow each other.
  const all: Name[] = [root];
  for (const { below } of all) for (const name of below) all.push(name);
  for (const [i, name] of all.entries()) name.at = i;
  const texts = all.map(({ name }) => Buffer.from(name));
  const nameBytes = texts.reduce((sum, text) => sum + text.length, 0);
  let at = exports.setJson(paths.length, all.length, nameBytes);
  const memory = new Uint8Array(exports.memory.buffer);
  for (const [i, { field, below }] of all.entries()) {
    const text = texts[i] as Buffer;
    memory.set(text, at);
    exports.setName(i, at, text.length, field, below[0]?.at ?? 0, below.length);
    at += text.length;
  }
}
