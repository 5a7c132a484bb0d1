/** The files of a store, with one bit of one of them flipped. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ClusterError } from "../../src/core/error.ts";
import type { Random } from "../../src/core/random.ts";
import { removeFolder } from "../../src/store/testing/at-end.ts";

export type Files = ReadonlyMap<string, Buffer>;

export function filesIn(dir: string): Files {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true });
  const paths = all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(dir, path))]));
}

/** The files as they were, one bit of one of them flipped. */
export function damage(files: Files, path: string, bit: number, dir: string): void {
  removeFolder(dir);
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    const copy = Buffer.from(bytes);
    if (name === path) copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    writeFileSync(join(dir, name), copy, { mode: 0o600 });
  }
}

/** Random flips: a file's share is its share of the bytes, but at least a twentieth. */
export function flips(files: Files, random: Random): () => [name: string, bit: number] {
  const names = [...files.keys()].filter((name) => (files.get(name)?.length ?? 0) > 0);
  const whole = names.flatMap((name) => Array<string>(weightOf(files, name)).fill(name));
  return () => {
    const name = whole[random.below(whole.length)] as string;
    return [name, random.below((files.get(name)?.length ?? 1) * 8)];
  };
}

function weightOf(files: Files, name: string): number {
  let sum = 0;
  for (const bytes of files.values()) sum += bytes.length;
  return Math.max(1, Math.round((20 * (files.get(name)?.length ?? 0)) / sum));
}

/** A refusal must name what is damaged, and have an expected code. */
export function refusal(error: unknown, codes: readonly string[]): string {
  assert.ok(error instanceof ClusterError, `not a typed error: ${String(error)}`);
  assert.ok(codes.includes(error.code), error.message);
  return `refused: ${error.code}`;
}
