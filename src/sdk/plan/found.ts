/** A file that a job reads, wherever it was found: by the command line on its disks, by the web
 *  page among what its visitor chose, at the coordinator among what is shared. */
import { closeSync, openSync, readSync } from "node:fs";
import type { SharedInput } from "../../wire/api/messages.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import { type Content, contentOf, contentStartBytes } from "../../wire/content/content.ts";
import type { Upload } from "./upload.ts";

export type FoundFile = {
  /** The job's input that it belongs to. */
  readonly input: string;
  /** As the user knows it. */
  readonly name: string;
  /** By its name. What the file's first bytes say counts more, when it is read as text. */
  readonly compression: InputFile["compression"];
  /** What the first bytes say; absent when they are not at hand. */
  readonly content?: Content;
  readonly sizeBytes: number;
  readonly at:
    | { readonly kind: "path"; readonly path: string; readonly mtimeMs: number }
    | { readonly kind: "upload"; readonly upload: Upload }
    | { readonly kind: "shared"; readonly root: string; readonly host: string }
    | {
        readonly kind: "remote";
        readonly url: string;
        readonly tag: string;
        /** Its first bytes: as many as decide how it is read. */
        readonly start: Uint8Array;
      };
};

/** By the ending of its name. */
export function compressionOf(name: string): FoundFile["compression"] {
  return /\.gz$/i.test(name) ? "gzip" : /\.zst$/i.test(name) ? "zstd" : "none";
}

/** Of a file that can be opened here. Throws as `openSync` does. */
export function contentAt(path: string): Content {
  return contentOf(startOf(path, contentStartBytes));
}

/** The first bytes of a file: `most`, or all that it has. */
export function startOf(path: string, most: number): Uint8Array {
  return bytesAt(path, 0, most);
}

/** `most` bytes from `start`, or what the file has of them. Throws as `openSync` does. */
export function bytesAt(path: string, start: number, most: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(most);
  const fd = openSync(path, "r");
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, most, start));
  } finally {
    closeSync(fd);
  }
}

export function sharedFile(file: SharedInput): Omit<FoundFile, "input"> {
  const { host, name, root, sizeBytes } = file;
  const at = { kind: "shared", root, host } as const;
  return { name, compression: compressionOf(name), sizeBytes, at };
}
