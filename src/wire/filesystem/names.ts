/** Names of files and jobs, as callers write them. They are keys of a table, never paths of a disk;
 *  one that tries to leave the store is refused all the same, since it must be an attack. */
import { ClusterError } from "../../core/error.ts";
import { fileNameProblem } from "../../core/sharing/names.ts";
import { bytesOf } from "./codec.ts";
import { nameBytesMax } from "./limits.ts";

/** The database of each job, below the job's name. */
export const databaseFile = "database.sqlite3";

/** `./job//data` → `job/data`. Throws `not-found`, so that callers learn nothing else about such a
 *  name. */
export function fileNameOf(url: string): string {
  const parts = url.split("/").filter((part) => part !== "" && part !== ".");
  const name = parts.join("/");
  const isOutside = url.startsWith("/") || url.includes("\\") || parts.includes("..");
  const isTooLong = bytesOf(name).length > nameBytesMax;
  if (!isOutside && !isTooLong && fileNameProblem(name) === null) return name;
  const shown = JSON.stringify(url.slice(0, 100));
  const text = `File does not exist: ${shown}. Names are job/file, below the store`;
  throw new ClusterError("not-found", text);
}

/** A job's name is one part. Throws `not-found`. */
export function jobNameOf(url: string): string {
  const name = fileNameOf(url);
  if (!name.includes("/")) return name;
  throw new ClusterError(
    "not-found",
    `${JSON.stringify(url.slice(0, 100))} is not the name of a job`,
  );
}

/** `./job/database.sqlite3` → `job`. Throws `not-found`. */
export function jobOfDatabase(url: string): string {
  const [job, file, ...more] = fileNameOf(url).split("/");
  if (job !== undefined && file === databaseFile && more.length === 0) return job;
  throw new ClusterError("not-found", "unable to open database file");
}

export function databaseUrl(job: string): string {
  return `${job}/${databaseFile}`;
}
