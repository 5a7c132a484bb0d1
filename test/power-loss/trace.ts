/** What a process did to the files of a directory, from a system-call trace. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";

/** In the order in which they ended. Paths are below the directory; inodes count from 1. */
export type Deed =
  | { readonly kind: "create"; readonly path: string; readonly inode: number }
  | { readonly kind: "write"; readonly inode: number; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly inode: number; readonly sizeBytes: number }
  /** Covers what ended before the deed with number `from`. */
  | { readonly kind: "sync"; readonly inode: number; readonly from: number }
  | { readonly kind: "sync-directory"; readonly path: string; readonly from: number }
  | { readonly kind: "link"; readonly inode: number; readonly to: string }
  | { readonly kind: "rename"; readonly inode: number; readonly path: string; readonly to: string }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "mkdir"; readonly path: string }
  /** The process printed this. */
  | { readonly kind: "said"; readonly text: string };

const calls =
  "openat,close,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,lseek,rename,renameat," +
  "renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sync_file_range";

/** Why there can be no trace here, or null. */
export function traceProblem(): string | null {
  if (process.platform !== "linux") return "needs strace, which only Linux has";
  const tried = spawnSync("strace", ["-f", "-o", "/dev/null", "true"]);
  if (tried.error !== undefined) return "needs strace (apt-get install strace)";
  return tried.status === 0 ? null : `strace cannot trace here: ${tried.stderr}`;
}

/** Runs Node with these arguments and reads what it did below `dir`. */
export function traceNode(args: readonly string[], dir: string): Deed[] {
  const place = newFolder("tequio-trace-");
  const file = join(place, "trace");
  try {
    const options = ["-f", "-qq", "-xx", "-s", String(64 << 20), "-e", `trace=${calls}`];
    const command = [...options, "-o", file, process.execPath, ...args];
    const ran = spawnSync("strace", command, { encoding: "utf8", timeout: waitMaxMs });
    if (ran.status !== 0) throw new Error(`the traced process failed: ${ran.stderr}`);
    return new Reader(dir).read(readFileSync(file, "latin1"));
  } finally {
    removeFolder(place);
  }
}

type Open = { readonly path: string; readonly inode: number; at: number };

class Reader {
  readonly #dir: string;
  readonly #deeds: Deed[] = [];
  readonly #open = new Map<number, Open>();
  readonly #names = new Map<string, number>();
  #inodes = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  read(text: string): Deed[] {
    const unfinished = new Map<string, { readonly start: string; readonly from: number }>();
    for (const line of text.split("\n")) {
      const [, thread = "", rest = ""] = /^([0-9]+) +(.*)$/.exec(line) ?? [];
      if (rest.endsWith("<unfinished ...>")) {
        const start = rest.slice(0, -"<unfinished ...>".length);
        unfinished.set(thread, { start, from: this.#deeds.length });
        continue;
      }
      const resumed = /^<\.\.\. [a-z0-9_]+ resumed>(.*)$/.exec(rest);
      const begun = unfinished.get(thread);
      if (resumed === null || begun === undefined) this.#call(rest, this.#deeds.length);
      else this.#call(begun.start + resumed[1], begun.from);
    }
    return this.#deeds;
  }

  #call(text: string, from: number): void {
    const parts = /^([a-z0-9_]+)\((.*)\) += (-?[0-9]+)/.exec(text);
    if (parts === null) return;
    const [, name, list = "", result] = parts;
    if (Number(result) < 0) return;
    const args = list.split(", ");
    if (name === "openat") this.#opened(args, Number(result));
    else if (name === "write" || name === "pwrite64") this.#wrote(args, Number(result), name);
    else if (name === "fsync" || name === "fdatasync") this.#synced(Number(args[0]), from);
    else if (name === "ftruncate") this.#truncated(Number(args[0]), Number(args[1]));
    else if (name === "close") this.#open.delete(Number(args[0]));
    else if (name === "lseek") this.#sought(Number(args[0]), Number(result));
    else this.#named(name ?? "", args);
  }

  /** Null for paths outside of it. */
  #path(quoted: string | undefined): string | null {
    const path = bytesOf(quoted).toString("utf8");
    if (path === this.#dir) return ".";
    return path.startsWith(`${this.#dir}/`) ? path.slice(this.#dir.length + 1) : null;
  }

  #opened([, quoted, flags = ""]: readonly string[], descriptor: number): void {
    this.#open.delete(descriptor);
    const path = this.#path(quoted);
    if (path === null) return;
    let inode = this.#names.get(path);
    if (inode === undefined && flags.includes("O_CREAT")) {
      inode = ++this.#inodes;
      this.#names.set(path, inode);
      this.#deeds.push({ kind: "create", path, inode });
    } else if (inode !== undefined && flags.includes("O_TRUNC")) {
      this.#deeds.push({ kind: "truncate", inode, sizeBytes: 0 });
    }
    this.#open.set(descriptor, { path, inode: inode ?? 0, at: 0 });
  }

  #wrote([descriptor, quoted, , at]: readonly string[], count: number, name: string): void {
    const bytes = bytesOf(quoted).subarray(0, count);
    if (descriptor === "1") this.#deeds.push({ kind: "said", text: bytes.toString("utf8") });
    const file = this.#open.get(Number(descriptor));
    if (file === undefined) return;
    const positioned = name === "pwrite64";
    const start = positioned ? Number(at) : file.at;
    this.#deeds.push({ kind: "write", inode: file.inode, at: start, bytes });
    if (!positioned) file.at += count;
  }

  #synced(descriptor: number, from: number): void {
    const file = this.#open.get(descriptor);
    if (file === undefined) return;
    const { inode, path } = file;
    if (inode === 0) this.#deeds.push({ kind: "sync-directory", path, from });
    else this.#deeds.push({ kind: "sync", inode, from });
  }

  #truncated(descriptor: number, sizeBytes: number): void {
    const file = this.#open.get(descriptor);
    if (file !== undefined) this.#deeds.push({ kind: "truncate", inode: file.inode, sizeBytes });
  }

  #sought(descriptor: number, at: number): void {
    const file = this.#open.get(descriptor);
    if (file !== undefined) file.at = at;
  }

  #named(name: string, args: readonly string[]): void {
    const at = name.endsWith("at") || name.endsWith("at2") ? 1 : 0;
    const path = this.#path(args[at]);
    const to = this.#path(args[2 * at + 1]);
    const isFile = this.#open.has(Number(args[0]));
    if (path === null && to === null && !isFile) return;
    if (name.startsWith("mkdir") && path !== null) this.#deeds.push({ kind: "mkdir", path });
    else if (name.startsWith("unlink") && path !== null) {
      if (this.#names.delete(path)) this.#deeds.push({ kind: "unlink", path });
    } else if (name.startsWith("rename") && path !== null && to !== null) {
      const inode = this.#inodeOf(path);
      this.#names.delete(path);
      this.#names.set(to, inode);
      this.#deeds.push({ kind: "rename", inode, path, to });
    } else if (name.startsWith("link") && path !== null && to !== null) {
      const inode = this.#inodeOf(path);
      this.#names.set(to, inode);
      this.#deeds.push({ kind: "link", inode, to });
    } else {
      throw new Error(`the trace has a call that this reader does not know: ${name}`);
    }
  }

  #inodeOf(path: string): number {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new Error(`${path} was not there before the trace`);
    return inode;
  }
}

/** A string of strace -xx: every byte as \xNN. */
function bytesOf(quoted: string | undefined): Buffer {
  const text = quoted ?? "";
  if (!text.startsWith('"') || !text.endsWith('"')) return Buffer.alloc(0);
  return Buffer.from(text.slice(1, -1).replaceAll("\\x", ""), "hex");
}

export function directoryOf(path: string): string {
  return dirname(path);
}
