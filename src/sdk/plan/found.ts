/** A file that a job reads, wherever it was found: by the command line on its disks, by the web
 *  page among what its visitor chose, at the coordinator among what is shared. */
import type { SharedInput } from "../../wire/api/messages.ts";
import type { Upload } from "./upload.ts";

export type FoundFile = {
  /** The job's input that it belongs to. */
  readonly input: string;
  /** As the user knows it. */
  readonly name: string;
  readonly compression: "none" | "gzip" | "zstd";
  readonly sizeBytes: number;
  readonly at:
    | { readonly kind: "path"; readonly path: string; readonly mtimeMs: number }
    | { readonly kind: "upload"; readonly upload: Upload }
    | { readonly kind: "shared"; readonly root: string; readonly host: string };
};

/** By the ending of its name. */
export function compressionOf(name: string): FoundFile["compression"] {
  return /\.gz$/i.test(name) ? "gzip" : /\.zst$/i.test(name) ? "zstd" : "none";
}

export function sharedFile(file: SharedInput): Omit<FoundFile, "input"> {
  const { host, name, root, sizeBytes } = file;
  const at = { kind: "shared", root, host } as const;
  return { name, compression: compressionOf(name), sizeBytes, at };
}
