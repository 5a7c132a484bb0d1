/** Parameters of one run: what the submitter gives over the job's defaults, each of the default's
 *  type. */
import { ClusterError } from "../../core/error.ts";
import { jsonText } from "../../wire/block/json.ts";
import { didYouMean } from "./near.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Texts (from `--param name=value`) are read by the default's type: as they are for a string, else
 *  as JSON. All values travel in the plan, so a default may depend on the machine that submits. */
export function mergeParams(defaults: Fields, given: Fields): Fields {
  const merged: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(defaults, name)) continue;
    const known = Object.keys(defaults);
    const has = known.length === 0 ? "has none" : `has ${known.join(", ")}`;
    const text = `unknown parameter "${name}"; the job ${has}.${didYouMean(name, known)}`;
    throw new ClusterError("bad-request", text);
  }
  for (const [name, fallback] of Object.entries(defaults)) {
    const value = Object.hasOwn(given, name) ? read(name, given[name], fallback) : fallback;
    if (value === undefined) continue;
    checkJson(name, value);
    merged[name] = value;
  }
  return merged;
}

function read(name: string, value: unknown, fallback: unknown): unknown {
  if (typeof fallback === "string" && typeof value === "string") return value;
  const wanted = typeOf(fallback);
  let parsed = value;
  if (typeof value === "string") {
    try {
      parsed = JSON.parse(value, exact(name));
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      if (fallback === undefined || fallback === null) return value;
      throw wrongType(name, value, wanted);
    }
  }
  const isAny = fallback === undefined || fallback === null;
  if (!isAny && typeOf(parsed) !== wanted) throw wrongType(name, value, wanted);
  return parsed;
}

type Source = { readonly source?: string };

/** A whole number that a double cannot hold would become another one without a word. */
function exact(name: string) {
  return (_: string, value: unknown, { source = "" }: Source = {}): unknown => {
    if (typeof value !== "number" || !/^-?\d+$/.test(source)) return value;
    if (Number.isSafeInteger(value) || String(BigInt(value)) === source) return value;
    const text = `parameter ${name} has ${source.slice(0, 100)}, which no number holds exactly`;
    throw new ClusterError("bad-request", `${text}; make the parameter a text, and use BigInt`);
  };
}

function wrongType(name: string, value: unknown, wanted: string): ClusterError {
  const shown = JSON.stringify(value)?.slice(0, 100);
  const isNested = wanted === "array" || wanted === "object";
  const ask = isNested ? `an ${wanted} in JSON` : `a ${wanted}`;
  return new ClusterError("bad-request", `parameter ${name} is ${shown}; give ${ask}`);
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function checkJson(name: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) {
    try {
      jsonText(value, `parameter ${name}`);
      return;
    } catch (error) {
      throw new ClusterError("bad-request", (error as ClusterError).text);
    }
  }
  throw new ClusterError("bad-request", `parameter ${name} is bytes; parameters are JSON`);
}
