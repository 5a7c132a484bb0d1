/** Packages that a Python job needs, matched against what a worker reports: names and versions as
 *  Python packages have them (PEP 440), as far as releases go. */
import { ClusterError } from "../../error.ts";
import type { WorkerSpecs } from "../../event.ts";

type Bound = { readonly operator: string; readonly version: string };
type Requirement = { readonly name: string; readonly bounds: readonly Bound[] };

const shape = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(.*)$/;
const boundShape = /^(~=|==|!=|<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)*)(?:\.\*)?$/;
export const requiresMax = 100;

/** "Foo_Bar" and "foo-bar" are one package. */
export function packageName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** Throws `bad-request` for what is no requirement. */
export function parseRequirement(text: string): Requirement {
  const [, name, rest = ""] = shape.exec(text.trim()) ?? [];
  const parts = rest.trim() === "" ? [] : rest.split(",").map((part) => part.trim());
  const bounds = parts.map((part) => boundShape.exec(part));
  if (name === undefined || text.length > 200 || bounds.includes(null)) {
    const example = '"numpy>=2" or "numpy>=1.26,<3"';
    throw new ClusterError(
      "bad-request",
      `requires: ${JSON.stringify(text)} is no package with versions; write ${example}`,
    );
  }
  return {
    name: packageName(name),
    bounds: bounds.map((bound) => ({ operator: bound![1]!, version: bound![2]! })),
  };
}

export function isRequirement(text: string): boolean {
  try {
    parseRequirement(text);
    return true;
  } catch {
    return false;
  }
}

/** What of `requires` the worker has not, each with what it has instead: "numpy>=2 (has
 *  1.26.4)". */
export function lacking(specs: WorkerSpecs, requires: readonly string[]): string[] {
  const packages = specs.python?.packages ?? {};
  return requires.flatMap((text) => {
    const { bounds, name } = parseRequirement(text);
    const has = Object.hasOwn(packages, name) ? packages[name] : undefined;
    if (has === undefined) return [text];
    return bounds.every((bound) => fits(has, bound)) ? [] : [`${text} (has ${has})`];
  });
}

function fits(has: string, { operator, version }: Bound): boolean {
  const order = compare(has, version);
  switch (operator) {
    case ">=":
      return order >= 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case "<":
      return order < 0;
    case "==":
      return startsWith(has, version);
    case "!=":
      return !startsWith(has, version);
    default:
      return order >= 0 && startsWith(has, version.split(".").slice(0, -1).join("."));
  }
}

/** By the numbers of the release; a pre-release comes before its release. */
function compare(has: string, version: string): number {
  const [a, b] = [numbersOf(has), numbersOf(version)];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return /^[0-9.]+(a|b|rc|\.?dev)/.test(has) ? -1 : 0;
}

/** `==2` and `==2.*` hold for 2.1, too. */
function startsWith(has: string, version: string): boolean {
  const [a, b] = [numbersOf(has), numbersOf(version)];
  return b.every((number, i) => number === (a[i] ?? 0));
}

function numbersOf(version: string): number[] {
  const release = /^v?(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)/.exec(version)?.[1] ?? "0";
  return release.split(".").map(Number);
}
