/** Files of a result that are in memory. */
import type { ResultPart } from "../collect.ts";
import { headLine } from "./rows.ts";

export function partOf(format: "ndjson" | "csv" | "text", rows: readonly string[]): ResultPart {
  return bytesPart(rows.length === 0 ? "" : headLine(format) + rows.join(""));
}

export function bytesPart(content: string | Buffer): ResultPart {
  const bytes = Buffer.from(content);
  return {
    sizeBytes: bytes.length,
    async *read() {
      if (bytes.length > 0) yield bytes;
    },
  };
}
