/** The requests to a file system. All but REMOVEJOB and STOP have two steps: the request on the
 *  main port is answered with the address of a port of its own, where the rest of the call takes
 *  place. */
import { ClusterError } from "../../core/error.ts";
import type { Message } from "./codec.ts";
import {
  asList,
  flagField,
  hasField,
  listField,
  pairOf,
  sizeField,
  textField,
  textsField,
} from "./fields.ts";
import { filesMax } from "./limits.ts";
import { fileNameOf, jobNameOf, jobOfDatabase } from "./names.ts";
import { isTable, type TableName, tables } from "./tables.ts";
import type { PyValue } from "./value.ts";

/** Requests to a job's database; the second step has the same name. */
export const databaseCalls = [
  "INSERTJOB",
  "INSERTBLOCK",
  "BLOCKRESULT",
  "GETROWS",
  "UPDATEROW",
  "APPENDBLOCK",
] as const;
export type DatabaseCall = (typeof databaseCalls)[number];

export type FileRequest =
  /** A file is uploaded; `sizeBytes` null = the sender does not give its length. */
  | { readonly call: "PUTDATA"; readonly file: string; readonly sizeBytes: number | null }
  | { readonly call: "GETDATA"; readonly file: string }
  /** `files` null = they come by their own PUTDATA, as deployed clients do. */
  | { readonly call: "PUTJOB"; readonly job: string; readonly files: readonly string[] | null }
  | { readonly call: "REMOVEJOB"; readonly job: string }
  /** On the main port: the document's client waits for this there after PUTJOB. */
  | { readonly call: "STOP"; readonly job: string }
  | { readonly call: Exclude<DatabaseCall, "APPENDBLOCK">; readonly job: string }
  | {
      readonly call: "APPENDBLOCK";
      readonly job: string;
      readonly block: string;
      /** Files of the block, in all messages of the call; null = not known. */
      readonly filesWanted: number | null;
    };

/** Throws `bad-request` for missing fields, `not-found` for names that do not exist here. */
export function parseRequest(message: Message): FileRequest {
  switch (message.name) {
    case "PUTDATA":
      return parsePutData(message);
    case "GETDATA":
      return { call: "GETDATA", file: fileNameOf(textField(message, "file_url")) };
    case "PUTJOB":
      return parsePutJob(message);
    case "REMOVEJOB":
      return { call: "REMOVEJOB", job: jobNameOf(textField(message, "job_url", "file_url")) };
    case "STOP":
      return { call: "STOP", job: jobNameOf(textField(message, "job_id", "job_hash", "job_url")) };
  }
  const call = databaseCalls.find((one) => one === message.name);
  if (call === undefined) {
    const text = `${message.name} is not for a file system; see docs/protocols/filesystem.md`;
    throw new ClusterError("bad-request", text);
  }
  const job = jobOfDatabase(textField(message, "status_db_url", "db_url"));
  return call === "APPENDBLOCK"
    ? { call, job, block: textField(message, "block_id"), filesWanted: blockSize(message) }
    : { call, job };
}

/** Programs send whatever they take for the size: only a number of files helps. */
function blockSize({ payload }: Message): number | null {
  const size = Number(payload.get("block_size") ?? Number.NaN);
  return Number.isSafeInteger(size) && size >= 0 ? size : null;
}

function parsePutData(message: Message): Extract<FileRequest, { call: "PUTDATA" }> {
  // Read only so that a wrong one is refused: text and bytes are kept alike.
  flagField(message, "byte", "bytes");
  const file = fileNameOf(textField(message, "file_url"));
  return { call: "PUTDATA", file, sizeBytes: sizeField(message, "size") };
}

/** In one place the document calls GETDATA PUTJOB. */
function parsePutJob(message: Message): FileRequest {
  const hasJob = hasField(message, "job_id", "job_hash");
  if (!hasJob && hasField(message, "file_url")) {
    return { call: "GETDATA", file: fileNameOf(textField(message, "file_url")) };
  }
  const job = jobNameOf(textField(message, "job_id", "job_hash"));
  if (!hasField(message, "files")) return { call: "PUTJOB", job, files: null };
  const files = textsField(message, "files").map((name) => fileInJob(job, name));
  if (new Set(files).size < files.length || files.length > filesMax) {
    const text = `PUTJOB names one file twice, or more than ${filesMax} files`;
    throw new ClusterError("bad-request", text);
  }
  return { call: "PUTJOB", job, files };
}

/** `data.txt`, `job/data.txt` and `./job/data.txt` name the same file of the job. */
export function fileInJob(job: string, url: string): string {
  const name = fileNameOf(url);
  return name.startsWith(`${job}/`) ? name : `${job}/${name}`;
}

export type Pair = { readonly key: PyValue; readonly values: readonly PyValue[] };

export type Details =
  | { readonly call: "INSERTJOB"; readonly row: readonly string[] }
  | {
      readonly call: "INSERTBLOCK";
      readonly block: string;
      readonly state: string;
      readonly phase: string;
      readonly slices: readonly string[];
    }
  | { readonly call: "BLOCKRESULT"; readonly block: string; readonly urls: readonly string[] }
  | {
      readonly call: "GETROWS";
      readonly table: TableName;
      /** All must hold. */
      readonly filters: ReadonlyArray<readonly [column: string, value: string]>;
    }
  | {
      readonly call: "UPDATEROW";
      readonly table: TableName;
      readonly key: readonly [column: string, value: string];
      readonly values: ReadonlyArray<readonly [column: string, value: string]>;
    }
  | {
      readonly call: "APPENDBLOCK";
      /** One pickle for each pair. */
      readonly files: readonly string[];
      readonly pairs: readonly Pair[];
    };

export type DetailsOf<C extends DatabaseCall> = Extract<Details, { call: C }>;

/** The second step. Throws `bad-request`, also for another message than that of the first step. */
export function parseDetails<C extends DatabaseCall>(call: C, message: Message): DetailsOf<C> {
  return detailsOf(call, message) as DetailsOf<C>;
}

function detailsOf(call: DatabaseCall, message: Message): Details {
  if (message.name !== call) {
    throw new ClusterError("bad-request", `this port waits for ${call}, not ${message.name}`);
  }
  switch (call) {
    case "INSERTJOB":
      return { call, row: tables.job.map((column) => textField(message, column)) };
    case "INSERTBLOCK":
      return {
        call,
        block: textField(message, "block_id"),
        state: textField(message, "state"),
        phase: textField(message, "phase"),
        slices: textsField(message, "slices_id"),
      };
    case "BLOCKRESULT": {
      const urls = textsField(message, "result_url", "result_urls");
      return { call, block: textField(message, "block_id"), urls };
    }
    case "GETROWS": {
      const table = tableField(message);
      return { call, table, filters: columnsField(message, table, "filters") };
    }
    case "UPDATEROW":
      return parseUpdate(message);
    case "APPENDBLOCK":
      return parseAppend(message);
  }
}

function parseUpdate(message: Message): Extract<Details, { call: "UPDATEROW" }> {
  const table = tableField(message);
  const key = pairOf(message, "key", listField(message, "key"));
  checkColumn(message, table, key[0]);
  const values = columnsField(message, table, "fields_values");
  return { call: "UPDATEROW", table, key, values };
}

function parseAppend(message: Message): Extract<Details, { call: "APPENDBLOCK" }> {
  const files = textsField(message, "data_urls").map(fileNameOf);
  const pairs = listField(message, "pairs").map((item): Pair => {
    const [key, values, ...more] = asList(item) ?? [];
    const list = asList(values);
    if (key === undefined || list === null || more.length > 0) {
      throw new ClusterError("bad-request", "APPENDBLOCK needs pairs, each a key and a list");
    }
    return { key, values: list };
  });
  if (pairs.length !== files.length) {
    const text = `APPENDBLOCK has ${files.length} data_urls for ${pairs.length} pairs`;
    throw new ClusterError("bad-request", text);
  }
  return { call: "APPENDBLOCK", files, pairs };
}

function tableField(message: Message): TableName {
  const table = textField(message, "table");
  if (isTable(table)) return table;
  const known = Object.keys(tables).join(", ");
  throw new ClusterError("bad-request", `unknown table ${table}; the tables are ${known}`);
}

function columnsField(message: Message, table: TableName, field: string): [string, string][] {
  return listField(message, field).map((item) => {
    const pair = pairOf(message, field, item);
    checkColumn(message, table, pair[0]);
    return pair;
  });
}

function checkColumn({ name }: Message, table: TableName, column: string): void {
  if ((tables[table] as readonly string[]).includes(column)) return;
  const text = `${name}: table ${table} has no column ${column}, only ${tables[table].join(", ")}`;
  throw new ClusterError("bad-request", text);
}
