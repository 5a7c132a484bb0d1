/** Writes JSON with the very bytes of Python's `json.dumps`: `", "` and `": "` between, all
 *  characters beyond ASCII as `\uXXXX`. */
import { ClusterError } from "../../core/error.ts";
import { floatText, PyFloat, PyTuple, type PyValue, typeName } from "./value.ts";

/** Throws `bad-request` for bytes, and for keys that are not str. */
export function writeJson(value: PyValue): string {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return quotedText(value);
  if (value instanceof PyFloat) return floatText(value.value);
  if (value instanceof PyTuple) return listText(value.items);
  if (value instanceof Uint8Array) throw notJson("bytes");
  if (!(value instanceof Map)) return listText(value as readonly PyValue[]);
  const entries = [...value].map(([key, one]) => {
    if (typeof key !== "string") throw notJson(`a key of type ${typeName(key)}`);
    return `${quotedText(key)}: ${writeJson(one)}`;
  });
  return `{${entries.join(", ")}}`;
}

function listText(items: readonly PyValue[]): string {
  return `[${items.map(writeJson).join(", ")}]`;
}

function quotedText(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (sign) =>
    sign === "\u007f" ? sign : `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function notJson(what: string): ClusterError {
  return new ClusterError("bad-request", `JSON cannot hold ${what}`);
}
