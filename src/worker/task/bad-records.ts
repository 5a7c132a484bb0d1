/** Records that cannot be used: the job fails at the first, or they are set aside with file, offset
 *  and error. */
import { ClusterError } from "../../core/error.ts";
import { withoutPlaces } from "../../core/thrown.ts";
import { jobTexts } from "../../environment/thrown.ts";
import { type BadPolicy, keepsBad } from "../../wire/block/plan.ts";
import { keepHint } from "../../wire/content/content.ts";
import { FileSink } from "../kernels/run-file.ts";

/** How much of a record is kept. */
const recordMaxBytes = 1024;
/** When this much has been set aside, the format is wrong, not the records. */
const fileMaxBytes = 64 * 1024 * 1024;

/** Where the current record lies. */
export type Place = { readonly file: string; readonly offset: number };

export type BadDone = { readonly badRecordsPath: string | null; readonly badRecords: number };

export class BadRecords {
  readonly #keep: boolean;
  readonly #path: string;
  #sink: FileSink | null = null;
  #count = 0;

  constructor(policy: BadPolicy, path: string) {
    this.#keep = keepsBad(policy);
    this.#path = path;
  }

  /** `error` says what is wrong; it is thrown when the policy is to fail. `isInput`: no code of the
   *  user's has looked at the record, so that trying again changes nothing. */
  add(place: Place, record: unknown, error: ClusterError, isInput: boolean): void {
    if (!this.#keep && isInput) throw inputError(error);
    if (!this.#keep) throw error;
    const { file, offset } = place;
    const line = { file, offset, error: withoutPlaces(error, jobTexts), record: excerpt(record) };
    this.#sink ??= new FileSink(this.#path);
    this.#sink.write(Buffer.from(`${JSON.stringify(line)}\n`));
    this.#count++;
    if (this.#sink.sizeBytes <= fileMaxBytes) return;
    throw new ClusterError(
      "limit-exceeded",
      `more than ${fileMaxBytes} bytes of bad records, the last ` +
        `at ${file}:${offset}: ${error.text}`,
    );
  }

  /** Closes the file: its path, or null when there were none. */
  finish(): BadDone {
    this.#sink?.close();
    return { badRecordsPath: this.#sink === null ? null : this.#path, badRecords: this.#count };
  }

  discard(): void {
    this.#sink?.discard();
  }
}

/** Says how to go on without such records. */
function inputError(cause: ClusterError): ClusterError {
  return new ClusterError(cause.code, `${cause.text}; ${keepHint}`, { cause, isFinal: true });
}

/** The record as text: lines as they are, anything else as JSON. */
function excerpt(record: unknown): string {
  let text: string;
  if (typeof record === "string") text = record;
  else if (record instanceof Uint8Array)
    text = Buffer.from(record.subarray(0, 512)).toString("hex");
  else text = JSON.stringify(record) ?? String(record);
  if (text.length * 3 <= recordMaxBytes) return text;
  const bytes = Buffer.from(text.slice(0, recordMaxBytes));
  if (bytes.length <= recordMaxBytes) return bytes.toString();
  let end = recordMaxBytes;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
