/** What the judge reads: lines of a file, and the records that they are. */

export type SourceRecord = {
  /** Where it starts in the uncompressed file. */
  readonly offset: number;
} & (
  | { readonly kind: "record"; readonly value: unknown }
  /** It cannot be parsed: its text and why. */
  | { readonly kind: "bad"; readonly text: string; readonly problem: string }
);

export type Line = {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly text: string;
  /** Set when its bytes are not what the encoding says. */
  readonly problem?: string;
};

/** Without its newline; a lone return at the very end of a file is part of the line. */
export function withoutReturn(line: string): string {
  if (line.endsWith("\r\n")) return line.slice(0, -2);
  return line.endsWith("\n") ? line.slice(0, -1) : line;
}
