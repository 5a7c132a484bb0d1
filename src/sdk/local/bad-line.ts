/** A record that was set aside, as a line of `_bad/records.ndjson`. */

/** How much of a record is kept, in bytes. */
const excerptMaxBytes = 1024;

export type BadRecord = {
  readonly file: string;
  readonly offset: number;
  /** What is wrong, with the place. */
  readonly error: string;
  readonly record: unknown;
};

export function badLine({ file, offset, error, record }: BadRecord): string {
  return `${JSON.stringify({ file, offset, error, record: excerpt(record) })}\n`;
}

/** Text as it is, bytes in hex, all else as JSON; cut between characters. */
function excerpt(record: unknown): string {
  if (record instanceof Uint8Array) return Buffer.from(record.subarray(0, 512)).toString("hex");
  const whole = typeof record === "string" ? record : (JSON.stringify(record) ?? String(record));
  let text = "";
  let sizeBytes = 0;
  for (const character of whole) {
    sizeBytes += Buffer.byteLength(character);
    if (sizeBytes > excerptMaxBytes) break;
    text += character;
  }
  return text;
}
