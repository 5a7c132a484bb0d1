/** The list of a shared folder: content like any other, named by its root, so that a link to it
 *  verifies every file in it. */

import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { rootBytesOf } from "../../wire/p4/merkle.ts";
import { layerOfBytes } from "../hashing/layer.ts";
import { rootHex } from "../hashing/sha256.ts";
import { type Content, contentOfBytes } from "../serve/content.ts";

export type ListedFile = { readonly name: string; readonly root: Hash; readonly sizeBytes: number };

export const folderListMaxBytes = 64 * 1024 * 1024;

/** The entry of an empty folder: an empty file with `/` at the end of its name. */
export function emptyFolder(name: string): ListedFile {
  return { name, root: rootHex(0, new Uint8Array(0)), sizeBytes: 0 };
}

/** `name` is not a name that a user can publish, so it cannot collide with a file's. */
export function folderListOf(files: readonly ListedFile[], name: string): Content {
  const lines = files.map(({ name: file, root, sizeBytes }) =>
    JSON.stringify({ name: file, root, sizeBytes }),
  );
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const layer = layerOfBytes(bytes);
  return contentOfBytes(bytes, { name, root: rootHex(bytes.length, layer), layer });
}

/** Throws `protocol-violated` when `bytes` is not such a list. */
export function parseFolderList(bytes: Uint8Array): ListedFile[] {
  const lines = Buffer.from(bytes).toString("utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const value = parsed(line);
    const { name, root, sizeBytes } = value;
    const isFile =
      typeof name === "string" &&
      typeof root === "string" &&
      rootBytesOf(root) !== null &&
      Number.isSafeInteger(sizeBytes) &&
      (sizeBytes as number) >= 0;
    if (isFile) return { name, root, sizeBytes: sizeBytes as number };
    throw new ClusterError("protocol-violated", "the link leads to no list of files");
  });
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
