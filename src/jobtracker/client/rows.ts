/** A result of the protocol as lines of JSON, as results of the cluster are written. */
import { ClusterError } from "../../core/error.ts";
import { asList } from "../../wire/filesystem/fields.ts";
import { PyFloat, type PyValue, typeName } from "../../wire/filesystem/value.ts";

/** A line `{"key":…,"value":…}` for each pair. Throws `user-error` for a result that is no list of
 *  pairs, and for values that JSON cannot hold. */
export function* resultLines(result: PyValue): Generator<string, void> {
  const items = asList(result);
  if (items === null) throw unfit(`${typeName(result)} where a list of pairs must be`);
  for (const item of items) {
    const [key, value, ...more] = asList(item) ?? [];
    if (key === undefined || value === undefined || more.length > 0) {
      throw unfit(`a list with ${typeName(item)} where a pair must be`);
    }
    yield `{"key":${json(key)},"value":${json(value)}}\n`;
  }
}

function json(value: PyValue): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "bigint") return String(value);
  if (value instanceof PyFloat) {
    if (Number.isFinite(value.value)) return floatJson(value.value);
    throw unfit(`the number ${value.value}, which JSON does not have`);
  }
  const items = asList(value);
  if (items !== null) return `[${items.map(json).join(",")}]`;
  if (!(value instanceof Map)) throw unfit("bytes, which JSON does not have");
  const entries = [...value].map(([key, one]) => {
    const name = typeof key === "string" ? key : json(key);
    return `${JSON.stringify(name)}:${json(one)}`;
  });
  return `{${entries.join(",")}}`;
}

/** 1.0 stays a float for programs that read it as such. */
function floatJson(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? value.toFixed(1) : String(value);
}

function unfit(what: string): ClusterError {
  const text = `the result holds ${what}; its pickle is in the file system`;
  return new ClusterError("user-error", text);
}
