/** Runs on workers, bundled with a function of a program: calls it for the items of a task. What
 *  the function throws is a result, so that it ends only its own call. */

/** `[index of the first, item, item …]`. */
export type CallItems = readonly [first: number, ...items: unknown[]];

export type CallContext = {
  readonly params: unknown;
  /** Index of the item among all, from 0. */
  readonly index: number;
};

/** What the function threw: `exception` is the name of its class. */
export type Thrown = {
  readonly exception: string;
  readonly message: string;
  readonly stack: string;
};

/** `[value]`, or what was thrown instead. */
export type Outcome = readonly [value: unknown] | Thrown;

type Call = (item: unknown, context: CallContext) => unknown;

const textMaxCharacters = 2_000;
const stackMaxCharacters = 8_000;

/** Ends with the first call that throws. `undefined` becomes null, as JSON has none. */
export function callsOf(call: Call) {
  return async function tequioCalls(
    [first, ...items]: CallItems,
    { params }: { readonly params: unknown },
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const item of items) {
      try {
        const value = await call(item, { params, index: first + outcomes.length });
        outcomes.push([value === undefined ? null : value]);
      } catch (error) {
        return [...outcomes, thrown(error)];
      }
    }
    return outcomes;
  };
}

/** Whatever was thrown may throw again when it is looked at. */
function thrown(error: unknown): Thrown {
  try {
    const { message, name, stack } = error instanceof Error ? error : plain(error);
    return {
      exception: String(name),
      message: String(message).slice(0, textMaxCharacters),
      stack: framesOf(String(stack ?? "")),
    };
  } catch {
    return { exception: "unknown", message: "something that cannot be shown", stack: "" };
  }
}

function plain(value: unknown) {
  const message = typeof value === "object" ? JSON.stringify(value) : String(value);
  return { message, name: typeof value, stack: "" };
}

/** Those of the function: not of what calls it here, and below. */
function framesOf(stack: string): string {
  const frames: string[] = [];
  for (const line of stack.split("\n")) {
    if (!/^\s+at /.test(line)) continue;
    if (line.includes("tequioCalls")) break;
    frames.push(line.trim().replaceAll("file://", ""));
  }
  return frames.join("\n").slice(0, stackMaxCharacters);
}
