/** Reports which part of a value cannot be stored and where it is: `a function at .user.tags[3]`.
 *  Slow on purpose: encoders only notice that something is wrong, and then call this. */
import { ClusterError } from "../../core/error.ts";
import { Decimal } from "./decimal.ts";

/** Deepest nesting of a value; a cycle is deeper than any. */
export const valueDepthMax = 200;

/** The `user-error` for a text that is not well-formed, of a format that writes texts as they
 *  are. */
export function halfCharacter(): ClusterError {
  const text = "a text has half a character (a lone surrogate), which only NDJSON can write";
  const hint = 'use output: "ndjson" (of tequio sql: --format ndjson)';
  return new ClusterError("user-error", `${text}: ${hint}`);
}

type Refused = { readonly path: string; readonly what: string };

/** The `user-error` for a value that an encoder refused. With `finiteOnly`, as for JSON, NaN and
 *  infinities are refused, too. */
export function refusal(value: unknown, where: string, finiteOnly: boolean): ClusterError {
  const found = find(value, "", 0, finiteOnly) ?? { path: "", what: "something" };
  const place = found.path === "" ? "" : ` at ${found.path}`;
  const numbers = finiteOnly ? "finite numbers" : "numbers";
  const allowed = `strings, ${numbers}, booleans, null, Uint8Array, arrays`;
  return new ClusterError(
    "user-error",
    `${found.what}${place} in ${where} cannot be stored; use ${allowed} and plain objects`,
  );
}

function find(value: unknown, path: string, depth: number, finiteOnly: boolean): Refused | null {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
    return { path, what: `a ${typeof value}` };
  }
  if (typeof value === "number" && finiteOnly && !Number.isFinite(value)) {
    return { path, what: String(value) };
  }
  if (typeof value !== "object" || value === null) return null;
  if (value instanceof Uint8Array || value instanceof Decimal) return null;
  if (depth > valueDepthMax) {
    const what = `a value over ${valueDepthMax} levels deep (or a cycle)`;
    return { path: `${path.slice(0, 40)}…`, what };
  }
  if (!Array.isArray(value) && !isPlain(value)) {
    return { path, what: `an instance of ${value.constructor?.name ?? "a class"}` };
  }
  for (const [name, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? `[${name}]` : `.${name}`;
    const found = find(inner, path + step, depth + 1, finiteOnly);
    if (found !== null) return found;
  }
  return null;
}

export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
