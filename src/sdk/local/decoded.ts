/** Bytes of a line as text, as the judge does it: by the decoders of the
 *  platform. */
import type { TextEncoding } from "../../wire/block/plan.ts";

const problem =
  'its bytes are not UTF-8; give the encoding, as { encoding: "latin1" } or "windows-1252"';

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const windows = new TextDecoder("windows-1252");

export function decoded(
  bytes: Buffer,
  encoding: TextEncoding | undefined,
): { readonly text: string; readonly problem?: string } {
  if (encoding === "windows-1252") return { text: windows.decode(bytes) };
  if (encoding === "latin1") return { text: bytes.toString("latin1") };
  const text = bytes.toString();
  if (encoding !== "utf-8") return { text };
  try {
    strict.decode(bytes);
    return { text };
  } catch {
    return { text, problem };
  }
}
