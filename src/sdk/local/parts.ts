/** Files of a result that are in memory. */
import { halfCharacter } from "../../wire/block/refusal.ts";
import type { ResultPart } from "../collect.ts";

export function partOf(rows: readonly string[]): ResultPart {
  return bytesPart(rows.join(""));
}

export function bytesPart(content: string | Buffer): ResultPart {
  if (typeof content === "string" && !content.isWellFormed()) throw halfCharacter();
  const bytes = Buffer.from(content);
  return {
    sizeBytes: bytes.length,
    async *read() {
      if (bytes.length > 0) yield bytes;
    },
  };
}
