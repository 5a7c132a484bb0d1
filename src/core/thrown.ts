/** Whatever was thrown as text for people: with what caused it, and within a bound. Pure; used by
 *  task processes, tabs and the judge alike, so that they say the same of the same error. */

const charactersMax = 2_000;
/** Causes behind each other. */
const depthMax = 5;
/** Errors of one `AggregateError`. */
const errorsMax = 5;

/** At most 2,000 characters. Job code can throw anything, also things that throw again when they
 *  are looked at. */
export function shown(thrown: unknown): string {
  try {
    return withCauses(thrown, new Set(), depthMax).slice(0, charactersMax).toWellFormed();
  } catch {
    return "something that cannot be shown";
  }
}

/** The error, then its causes and parts, outermost first: those whose stacks may name the place. */
export function errorsIn(thrown: unknown, seen = new Set<unknown>()): Error[] {
  if (!(thrown instanceof Error) || seen.has(thrown) || seen.size >= depthMax * errorsMax)
    return [];
  seen.add(thrown);
  try {
    const parts = partsOf(thrown).flatMap((part) => errorsIn(part, seen));
    return [thrown, ...errorsIn(thrown.cause, seen), ...parts];
  } catch {
    return [thrown];
  }
}

function withCauses(thrown: unknown, seen: Set<unknown>, depth: number): string {
  if (!(thrown instanceof Error)) return plain(thrown, seen, depth);
  if (seen.has(thrown)) return `${thrown.name} (shown above)`;
  seen.add(thrown);
  const text = thrown.message === "" ? thrown.name : `${thrown.name}: ${thrown.message}`;
  const head = text.slice(0, charactersMax);
  const parts = partsOf(thrown);
  const hasCause = thrown.cause !== undefined;
  if (depth === 0) return parts.length > 0 || hasCause ? `${head}; and more causes` : head;
  const listed = parts.slice(0, errorsMax).map((part) => withCauses(part, seen, depth - 1));
  if (parts.length > errorsMax) listed.push(`${parts.length - errorsMax} more`);
  const inside = listed.length === 0 ? "" : ` [${listed.join("; ")}]`;
  const cause = hasCause ? `; caused by ${withCauses(thrown.cause, seen, depth - 1)}` : "";
  return head + inside + cause;
}

function partsOf(error: Error): readonly unknown[] {
  const { errors } = error as { errors?: unknown };
  return error instanceof AggregateError && Array.isArray(errors) ? errors : [];
}

/** Of what is no error. */
function plain(thrown: unknown, seen: Set<unknown>, depth: number): string {
  if (thrown === "") return '""';
  if (typeof thrown === "function") return `the function ${thrown.name || "without a name"}`;
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  // Of errors of another realm, and objects with a text of their own.
  if (!Array.isArray(thrown) && thrown.toString !== Object.prototype.toString)
    return String(thrown);
  return fieldsOf(thrown, (error) => withCauses(error, seen, Math.max(0, depth - 1)));
}

function fieldsOf(thrown: object, textOf: (error: Error) => string): string {
  try {
    const text = JSON.stringify(thrown, (_key, value: unknown) =>
      typeof value === "bigint" || typeof value === "function" || typeof value === "symbol"
        ? String(value).slice(0, 100)
        : value instanceof Error
          ? textOf(value)
          : value,
    );
    if (text !== undefined) return text;
  } catch {
    // It has itself inside, or throws when it is read.
  }
  const names = Object.keys(thrown).slice(0, 20).join(", ");
  return names === "" ? "an object without fields" : `an object with ${names}`;
}
