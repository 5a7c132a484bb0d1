/** Finds the files that a job reads: files, folders, globs, standard input, files that members of
 *  the cluster share, each for one of its inputs. */
import { resolve, sep } from "node:path";
import { ClusterError } from "../core/error.ts";
import { isRemote } from "../remote/address.ts";
import type { SharedInput } from "../wire/api/messages.ts";
import { compressionOf, contentAt, type FoundFile, sharedFile } from "./plan/found.ts";
import { remoteFiles } from "./plan/inputs/remote.ts";
import {
  type FoundName,
  filesIn,
  filesMatching,
  noSuchFile,
  statOf,
  unreadable,
} from "./plan/inputs/walk.ts";
import { type Looked, lookAt } from "./plan/looked.ts";
import { didYouMean } from "./plan/near.ts";
import { spool, type Upload } from "./plan/upload.ts";

/** What `shared:NAME` stands for: a file, or all files of a folder. */
export type FindShared = (name: string) => Promise<readonly SharedInput[]>;

/** Before the name of what members share; a file of that name is `./shared:…`. */
export const sharedPrefix = "shared:";

export type FoundInputs = {
  readonly files: readonly FoundFile[];
  /** Forgets what standard input was copied to. */
  remove(): Promise<void>;
};

export type InputOptions = {
  /** What the job calls its inputs; `default` when it has one. */
  readonly names: readonly string[];
  /** What `-` stands for. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Absent without a cluster: nothing is shared then. */
  readonly shared?: FindShared;
  /** Limit of standard input; default 1 TiB. */
  readonly stdinMaxBytes?: number;
  /** Limit of files; default 1,000,000. */
  readonly filesMax?: number;
};

/** Files in the order given; within a folder or a glob by name. Throws `bad-request` for whatever
 *  has none. */
export async function findInputs(
  given: readonly string[],
  options: InputOptions,
): Promise<FoundInputs> {
  const files: FoundFile[] = [];
  const removals: Array<() => Promise<void>> = [];
  const remove = async (): Promise<void> => {
    for (const each of removals.splice(0)) await each();
  };
  const filesMax = options.filesMax ?? 1_000_000;
  try {
    for (const argument of given) {
      const { input, path } = named(argument, options.names);
      if (path === "-") {
        if (removals.length > 0) throw refused("standard input (-) can be read only once");
        if (options.stdin === undefined) throw refused("there is no standard input to read");
        const spooled = await spool(options.stdin, options.stdinMaxBytes ?? 1024 ** 4);
        removals.push(spooled.remove);
        const { upload } = spooled;
        files.push({ input, ...spooledFile(upload) });
        continue;
      }
      for (const file of await filesOf(path, options, filesMax)) {
        files.push({ input, ...file });
        if (files.length > filesMax) {
          const text = `more than ${filesMax} input files (filesMax); join small files first`;
          throw new ClusterError("limit-exceeded", text);
        }
      }
    }
    checkEveryInput(files, given, options.names);
    return { files, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function spooledFile(upload: Upload): PathFile {
  const content = upload.at.kind === "path" ? { content: contentAt(upload.at.path) } : {};
  const at = { kind: "upload", upload } as const;
  return { name: "stdin", compression: "none", ...content, sizeBytes: upload.sizeBytes, at };
}

function named(argument: string, names: readonly string[]): { input: string; path: string } {
  if (argument === "") throw refused("an input is empty; name a file, a folder, a glob or -");
  if (names.length === 1 && names[0] === "default") return { input: "default", path: argument };
  const sign = argument.indexOf("=");
  const input = argument.slice(0, Math.max(0, sign));
  if (names.includes(input)) return { input, path: argument.slice(sign + 1) };
  const ways = names.map((n) => `${n}=PATH`).join(" ");
  if (sign < 0) throw refused(`${argument}: say which input it is for; the job takes ${ways}`);
  throw refused(`the job has no input "${input}"; it takes ${ways}.${didYouMean(input, names)}`);
}

function checkEveryInput(
  files: readonly FoundFile[],
  given: readonly string[],
  names: readonly string[],
): void {
  if (given.length === 0) {
    const ways = names[0] === "default" ? "PATH" : names.map((n) => `${n}=PATH`).join(" ");
    throw refused(`no input; give ${ways} (a file, a folder, a glob, or - for standard input)`);
  }
  for (const name of names) {
    if (!files.some((file) => file.input === name)) {
      throw refused(`nothing was given for the input "${name}"; add ${name}=PATH`);
    }
  }
}

type PathFile = Omit<FoundFile, "input">;

function filesOf(path: string, options: InputOptions, filesMax: number): Promise<PathFile[]> {
  if (path.startsWith(sharedPrefix)) return sharedFiles(path, options);
  return isRemote(path) ? remoteFiles(path, filesMax) : expand(path);
}

async function sharedFiles(path: string, { shared }: InputOptions): Promise<PathFile[]> {
  if (shared === undefined) {
    throw refused(`${path} needs a cluster; fetch it with \`tequio get\`, or name ./${path}`);
  }
  return (await shared(path.slice(sharedPrefix.length))).map(sharedFile);
}

async function expand(path: string): Promise<PathFile[]> {
  const stats = statOf(path);
  if (stats === null) {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
      const text = `${path}: only https://, http:// and s3:// are read; fetch it first, or pipe it`;
      throw refused(`${text} in: curl -s ADDRESS | tequio run job.ts -`);
    }
    if (/[*?[\]{}]/.test(path)) return (await filesMatching(path)).map(checked);
    throw await noSuchFile(path);
  }
  if (stats.isDirectory()) return (await filesIn(path)).map(checked);
  return [checked({ name: path, stats })];
}

/** Looks at the first bytes, and so finds out that the file can be read. */
function checked({ name, stats }: FoundName): PathFile {
  const path = absolute(name);
  const looked = stats === null || stats.isFile() ? look(name, path) : null;
  if (looked === null) {
    throw refused(
      `${name} is not a regular file; pipe it instead: … < ${name}, with - as the input`,
    );
  }
  const { content, mtimeMs, sizeBytes } = looked;
  const at = { kind: "path", path, mtimeMs } as const;
  return { name, compression: compressionOf(name), content, sizeBytes, at };
}

/** As `resolve`, which takes each name apart: names below a folder are normalized already. */
function absolute(name: string): string {
  if (sep !== "/" || /(^|\/)\.{0,2}(\/|$)/.test(name.slice(1))) return resolve(name);
  if (name.startsWith("/")) return name;
  return name.startsWith(".") ? resolve(name) : `${resolve(".")}/${name}`;
}

function look(name: string, path: string): Looked | null {
  try {
    return lookAt(path);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function refused(text: string): ClusterError {
  return new ClusterError("bad-request", text);
}
