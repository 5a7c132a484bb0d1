/** Fields of objects of Kubernetes 1.30, and what is wrong with an object by them.
 *
 *  `types.json` was made of kubernetes-types 1.30.0, which is made of the OpenAPI definitions that
 *  Kubernetes publishes: all fields of the types that a worker's manifest has. `?` before a type:
 *  the field may be missing; `T[]`: a list; `{T}`: values by name. A type that is not in it, is not
 *  used by us yet. */
import { readFileSync } from "node:fs";

type Fields = Readonly<Record<string, string>>;
type Published = {
  readonly version: string;
  readonly types: Readonly<Record<string, Fields>>;
};

const file = new URL("types.json", import.meta.url);
export const published = JSON.parse(readFileSync(file, "utf8")) as Published;

/** Of one that says its `kind`; none when the server would take it. */
export function problemsOf(object: unknown): string[] {
  const { kind } = object as { readonly kind?: string };
  return problems(object, kind ?? "", kind ?? "object");
}

function problems(value: unknown, type: string, at: string): string[] {
  if (type.endsWith("[]")) {
    if (!Array.isArray(value)) return [`${at} is no list`];
    return value.flatMap((one, index) => problems(one, type.slice(0, -2), `${at}[${index}]`));
  }
  if (type.startsWith("{")) {
    if (!isObject(value)) return [`${at} is no map`];
    return Object.entries(value).flatMap(([key, one]) =>
      problems(one, type.slice(1, -1), `${at}.${key}`),
    );
  }
  if (type.startsWith('"')) return JSON.stringify(value) === type ? [] : [`${at} is not ${type}`];
  if (type === "Quantity") return isQuantity(value) ? [] : [`${at} is no quantity`];
  if (["boolean", "number", "string"].includes(type))
    return typeof value === type ? [] : [`${at} is no ${type}`];
  return fieldProblems(value, type, at);
}

function fieldProblems(value: unknown, type: string, at: string): string[] {
  const fields = published.types[type];
  if (fields === undefined) return [`${at}: types.json has no ${type}`];
  if (!isObject(value)) return [`${at} is no ${type}`];
  const missing = Object.entries(fields).filter(
    ([key, of]) => !of.startsWith("?") && value[key] === undefined,
  );
  const wrong = Object.entries(value).flatMap(([key, one]) => {
    const of = fields[key];
    return of === undefined
      ? [`${at}.${key} is no field of ${type}`]
      : problems(one, of.replace("?", ""), `${at}.${key}`);
  });
  return [...missing.map(([key]) => `${at}.${key} is missing`), ...wrong];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As "2", "500m", "1Gi". */
function isQuantity(value: unknown): boolean {
  return typeof value === "string" && /^\d+(\.\d+)?(m|[kMGTPE]|[KMGTPE]i)?$/.test(value);
}
