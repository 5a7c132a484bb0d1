/** Messages to frames and back: `NAME SP COUNT SP JSON`, in UTF-8. COUNT is the number of keys of
 *  the payload; with 0 everything that follows is ignored. */
import { ClusterError } from "../../core/error.ts";
import { TextDecoder, TextEncoder } from "../utf8.ts";
import { readJson } from "./json-reader.ts";
import { writeJson } from "./json-writer.ts";
import type { PyDict, PyValue } from "./value.ts";

export type Message = {
  readonly name: string;
  /** By str; unknown keys are ignored. */
  readonly payload: PyDict;
};

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const head = /^([A-Za-z][A-Za-z_]{0,63})(?: ([0-9]{1,6})(?: (.*))?)?$/s;
const empty: PyDict = new Map();

export function encodeMessage(
  name: string,
  payload: Readonly<Record<string, PyValue>>,
): Uint8Array {
  const entries = new Map<PyValue, PyValue>(Object.entries(payload));
  return encoder.encode(`${name} ${entries.size} ${writeJson(entries)}`);
}

/** Throws `protocol-violated`. A bare name, as the document writes `OK`, is a message without
 *  payload. */
export function decodeMessage(frame: Uint8Array): Message {
  const [, name, count = "0", json = ""] = head.exec(textOf(frame)) ?? [];
  if (name === undefined) throw bad("is not NAME COUNT JSON");
  if (Number(count) === 0) return { name, payload: empty };
  const payload = readJson(json);
  if (!(payload instanceof Map)) throw bad("has a payload that is not a JSON object");
  if (payload.size !== Number(count)) {
    throw bad(`announces ${count} keys and has ${payload.size}`);
  }
  return { name, payload };
}

export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw bad("is not UTF-8");
  }
}

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

function bad(what: string): ClusterError {
  return new ClusterError("protocol-violated", `the message ${what}`);
}
