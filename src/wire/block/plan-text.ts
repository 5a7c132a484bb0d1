/** A plan as the text of its blob. Very many files of one machine are written in columns: as
 *  objects 200,000 tiny ones took 45 MB, which client, coordinator and each worker hashed, sent and
 *  parsed. */
import { ClusterError } from "../../core/error.ts";
import type { InputFile, Plan } from "./plan.ts";

/** Plans with more files are large: written in columns where that can be, and passed on to task
 *  processes in parts. */
export const largeFrom = 1_000;
/** Of files in columns. */
const filesMax = 1_000_000;
/** Of a folder, in characters. */
const folderMax = 8_192;

/** Files on the disk of one machine, uncompressed. */
type Columns = {
  readonly host: string;
  /** How the names and paths of so many files in sequence begin. */
  readonly folders: ReadonlyArray<readonly [name: string, path: string, files: number]>;
  /** How they go on; of each file, as the columns below. */
  readonly names: readonly string[];
  readonly sizes: readonly number[];
  readonly times: readonly number[];
};

/** Version 2 has columns instead of files, so that readers of version 1 refuse it. */
type Written = Omit<Plan, "files" | "version"> & {
  readonly version: 2;
  readonly columns: Columns;
};

export function planText(plan: Plan): string {
  const columns = plan.files.length > largeFrom ? columnsOf(plan.files) : null;
  if (columns === null) return JSON.stringify(plan);
  const { files: _, ...others } = plan;
  return JSON.stringify({ ...others, version: 2, columns } satisfies Written);
}

/** Unchecked, but for files in columns. Throws `SyntaxError` for what is not JSON, `bad-request`
 *  for wrong columns. */
export function planFrom(text: string): Plan {
  const written: unknown = JSON.parse(text);
  const files = filesInColumns(written);
  if (files === null) return written as Plan;
  const { columns: _, ...others } = written as Written;
  return { ...others, version: 1, files };
}

/** The files of a plan that has them in columns, checked; null for another one. Throws
 *  `bad-request`. */
export function filesInColumns(written: unknown): InputFile[] | null {
  const isTwo = (written as { version?: unknown } | null)?.version === 2;
  if (!isTwo) return null;
  const { columns } = written as { columns?: unknown };
  if (!areColumns(columns)) {
    throw new ClusterError("bad-request", "the columns of the plan's files are not right");
  }
  const { folders, host, names, sizes, times } = columns;
  const files: InputFile[] = [];
  for (const [name, path, count] of folders) {
    for (let left = count; left > 0; left--) {
      const index = files.length;
      const [rest, sizeBytes] = [names[index] as string, sizes[index] as number];
      const at = {
        kind: "path",
        host,
        path: path + rest,
        mtimeMs: times[index] as number,
      } as const;
      files.push({ name: name + rest, compression: "none", sizeBytes, at });
    }
  }
  return files;
}

function areColumns(value: unknown): value is Columns {
  const { folders, host, names, sizes, times } = (value ?? {}) as Record<string, unknown>;
  if (![folders, names, sizes, times].every(Array.isArray)) return false;
  const count = (names as unknown[]).length;
  return (
    typeof host === "string" &&
    count <= filesMax &&
    (sizes as unknown[]).length === count &&
    (times as unknown[]).length === count &&
    (folders as unknown[]).every(isFolder) &&
    (folders as Columns["folders"]).reduce((sum, [, , files]) => sum + files, 0) === count &&
    (names as unknown[]).every((name) => typeof name === "string") &&
    (sizes as unknown[]).every((size) => Number.isSafeInteger(size) && (size as number) >= 0) &&
    (times as unknown[]).every(Number.isFinite)
  );
}

function isFolder(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [name, path, files] = value as unknown[];
  const isText = (one: unknown) => typeof one === "string" && one.length <= folderMax;
  return isText(name) && isText(path) && Number.isSafeInteger(files) && (files as number) >= 0;
}

/** Null when they cannot be written so. */
function columnsOf(files: readonly InputFile[]): Columns | null {
  const [first] = files;
  if (first?.at.kind !== "path" || files.length > filesMax) return null;
  const { host } = first.at;
  const folders: Array<[name: string, path: string, files: number]> = [];
  const [names, sizes, times]: [string[], number[], number[]] = [[], [], []];
  for (const { at, compression, name, recordBytes, sizeBytes } of files) {
    if (at.kind !== "path" || at.host !== host) return null;
    if (compression !== "none" || recordBytes !== undefined) return null;
    const rest = name.slice(name.lastIndexOf("/") + 1);
    if (!at.path.endsWith(rest)) return null;
    const folder = name.slice(0, name.length - rest.length);
    const path = at.path.slice(0, at.path.length - rest.length);
    if (folder.length > folderMax || path.length > folderMax) return null;
    const last = folders.at(-1);
    if (last?.[0] === folder && last[1] === path) last[2]++;
    else folders.push([folder, path, 1]);
    names.push(rest);
    sizes.push(sizeBytes);
    times.push(at.mtimeMs);
  }
  return { host, folders, names, sizes, times };
}
