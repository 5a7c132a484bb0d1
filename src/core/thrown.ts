/** Whatever was thrown as text for people: with what caused it, and within a bound. Pure; used by
 *  task processes, tabs and the judge alike, so that they say the same of the same error. */

const charactersMax = 2_000;
/** Causes behind each other; objects inside each other. */
const depthMax = 5;
/** Errors of one `AggregateError`. */
const errorsMax = 5;
/** Fields of one object, items of one array. */
const fieldsMax = 20;
/** Values that are looked at in all. */
const valuesMax = 500;
/** Of an error's `code`. */
const codeMaxCharacters = 50;
/** Of a class's name. */
const classMaxCharacters = 100;

/** What is reported of one error besides its name and its code. Both may throw. */
export type ErrorTexts = {
  /** Where it was thrown, as `word-count.ts:17`; "" when that is not known. */
  place(error: Error): string;
  /** Its message, or a better one. */
  message(error: Error): string;
};

const plainTexts: ErrorTexts = { place: () => "", message: (error) => error.message };

/** At most 2,000 characters. Job code can throw anything, also things that throw again when they
 *  are looked at. Errors have their code, their place and their causes; other values are written as
 *  in a program: texts in quotes, a bigint with its `n`. */
export function shown(thrown: unknown, texts = plainTexts): string {
  try {
    return new Telling(texts).told(harmless(thrown)).slice(0, charactersMax).toWellFormed();
  } catch {
    return "something that cannot be shown";
  }
}

/** What was thrown itself, or a stand-in for what throws again when it is asked what it is, as a
 *  `Proxy` may: to be called where it is caught, before anything else looks at it. */
export function harmless(thrown: unknown): unknown {
  if ((typeof thrown !== "object" && typeof thrown !== "function") || thrown === null)
    return thrown;
  try {
    const { cause, code, then } = thrown as Readonly<Record<string, unknown>>;
    void [thrown instanceof Error, cause, code, then];
    return thrown;
  } catch {
    return unshowable;
  }
}

const unshowable = Object.freeze({ toString: () => "something that cannot be shown" });

/** The text of an error that has what was thrown as its cause, without places. The text kept with
 *  a record has none: a tab knows places of the bundle only, and all processes write the same
 *  bytes. */
export function withoutPlaces(
  { cause, text }: { readonly cause?: unknown; readonly text: string },
  texts: ErrorTexts,
): string {
  return text.replace(shown(cause, texts), () => shown(cause, { ...texts, place: () => "" }));
}

/** The errors in what was thrown, outermost first: those whose stacks may name the place. Of an
 *  error its causes and parts, of another object those that it holds. */
export function errorsIn(thrown: unknown, seen = new Set<unknown>()): Error[] {
  if (typeof thrown !== "object" || thrown === null || seen.has(thrown)) return [];
  if (seen.size >= depthMax * errorsMax) return [];
  seen.add(thrown);
  const isError = thrown instanceof Error;
  const found: Error[] = isError ? [thrown] : [];
  try {
    const inside = isError ? [thrown.cause, ...partsOf(thrown)] : heldBy(thrown);
    for (const one of inside) for (const error of errorsIn(one, seen)) found.push(error);
  } catch {
    // It throws when it is read; what was found so far is enough.
  }
  return found;
}

/** One value on its way to a text: remembers what it has shown. */
class Telling {
  readonly #texts: ErrorTexts;
  readonly #seen = new Set<object>();
  #valuesLeft = valuesMax;

  constructor(texts: ErrorTexts) {
    this.#texts = texts;
  }

  told(thrown: unknown, depth = depthMax): string {
    if (thrown instanceof Error) return this.#error(thrown, depth);
    return ownText(thrown) ?? this.#value(thrown, depth);
  }

  #error(error: Error, depth: number): string {
    const named = read(() => String(error.name), "Error");
    if (this.#seen.has(error)) return `${named} (shown above)`;
    this.#seen.add(error);
    const message = read(() => this.#texts.message(error), "its message cannot be read");
    const name = `${named}${read(() => codeText(error, message), "")}`;
    const text = message === "" ? name : `${name}: ${message}`;
    const place = this.#texts.place(error);
    const head = text.slice(0, charactersMax) + (place === "" ? "" : ` (${place})`);
    const parts = read(() => partsOf(error), []);
    const cause = read(() => error.cause, undefined);
    const hasCause = cause !== undefined;
    if (depth === 0) return parts.length > 0 || hasCause ? `${head}; and more causes` : head;
    const listed = parts.slice(0, errorsMax).map((part) => this.told(part, depth - 1));
    if (parts.length > errorsMax) listed.push(`${parts.length - errorsMax} more`);
    const inside = listed.length === 0 ? "" : ` [${listed.join("; ")}]`;
    return head + inside + (hasCause ? `; caused by ${this.told(cause, depth - 1)}` : "");
  }

  /** As a program would write it, as far as there is a way. */
  #value(value: unknown, depth: number): string {
    if (this.#valuesLeft-- <= 0) return "…";
    if (typeof value === "string") return JSON.stringify(value.slice(0, charactersMax));
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return functionText(value);
    if (Object.is(value, -0)) return "-0";
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Error) return `(${this.#error(value, Math.max(0, depth - 1))})`;
    if (this.#seen.has(value)) return "(shown above)";
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return `${value.byteLength} bytes`;
    }
    if (depth === 0) return "…";
    this.#seen.add(value);
    try {
      const { toJSON } = value as { toJSON?: unknown };
      if (typeof toJSON === "function") return this.#value(toJSON.call(value, ""), depth - 1);
    } catch {
      // Its fields say more.
    }
    return this.#object(value, depth - 1);
  }

  #object(value: object, depth: number): string {
    const isArray = Array.isArray(value);
    const isSet = value instanceof Set;
    if (value instanceof Map || isSet) {
      const first = [...value].slice(0, fieldsMax) as unknown[];
      const texts = first.map((one) => {
        if (isSet) return this.#value(one, depth);
        const [key, held] = one as [unknown, unknown];
        return `${this.#value(key, depth)} => ${this.#value(held, depth)}`;
      });
      return `${classOf(value)} {${listText(texts, value.size)}}`;
    }
    const texts = namesOf(value).map((name) => {
      const text = read(() => this.#value(fieldOf(value, name), depth), "(cannot be read)");
      return isArray ? text : `${JSON.stringify(name)}:${text}`;
    });
    if (isArray) return `[${listText(texts, value.length)}]`;
    const name = classOf(value);
    return `${name === "" ? "" : `${name} `}{${listText(texts, Object.keys(value).length)}}`;
  }
}

function listText(texts: readonly string[], count: number): string {
  const left = count - texts.length;
  return [...texts, ...(left > 0 ? [`… ${left} more`] : [])].join(",");
}

/** What `get` answers; `otherwise` when it throws, as code of the job may. */
function read<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

/** Of errors of another realm, and objects with a text of their own; null: it has none. */
function ownText(thrown: unknown): string | null {
  if (typeof thrown !== "object" || thrown === null || isList(thrown)) return null;
  if (thrown instanceof Date) return read(() => `Date ${thrown.toISOString()}`, "an invalid Date");
  return read(() => {
    const { toString: own } = thrown as { toString?: unknown };
    if (typeof own !== "function" || own === Object.prototype.toString) return null;
    const text: unknown = own.call(thrown);
    return typeof text === "string" ? text : null;
  }, null);
}

function functionText(value: object): string {
  const kind = read(() => String(value).startsWith("class"), false) ? "class" : "function";
  const name = read(() => String((value as { name?: unknown }).name), "");
  return `the ${kind} ${name || "without a name"}`;
}

/** "" of plain objects. */
function classOf(value: object): string {
  return read(() => {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) return "";
    const { name } = value.constructor as { name?: unknown };
    return typeof name === "string" && name !== "Object" ? name.slice(0, classMaxCharacters) : "";
  }, "");
}

/** ` [ENOENT]`, unless the message has it already. */
function codeText(error: Error, message: string): string {
  const { code } = error as { code?: unknown };
  // That of a DOMException is a number of old, of which the name says all.
  const isOld = Object.prototype.toString.call(error) === "[object DOMException]";
  const isCode = typeof code === "string" || (typeof code === "number" && !isOld);
  const text = isCode ? String(code) : "";
  const isNew = text !== "" && text.length <= codeMaxCharacters && !message.includes(text);
  return isNew ? ` [${text}]` : "";
}

function partsOf(error: Error): readonly unknown[] {
  const { errors } = error as { errors?: unknown };
  return error instanceof AggregateError && Array.isArray(errors) ? errors : [];
}

/** The first ones; of bytes none. */
function namesOf(value: object): string[] {
  if (ArrayBuffer.isView(value)) return [];
  return Array.isArray(value)
    ? Array.from({ length: Math.min(value.length, fieldsMax) }, (_, at) => String(at))
    : Object.keys(value).slice(0, fieldsMax);
}

function fieldOf(value: object, name: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** What it holds. */
function heldBy(value: object): unknown[] {
  if (value instanceof Map) return [...value].slice(0, fieldsMax).flat();
  if (value instanceof Set) return [...value].slice(0, fieldsMax);
  return namesOf(value).map((name) => read(() => fieldOf(value, name), undefined));
}

/** Whose own text may be as long as it is. */
function isList(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
