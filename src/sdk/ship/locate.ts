/** Where a function of this program was written: asked of the engine, which knows the text that it
 *  compiled. */
import type { Session } from "node:inspector";

/** What is called on the cluster. */
// biome-ignore lint/suspicious/noExplicitAny: functions of every kind
export type AnyFunction = (...args: any[]) => unknown;

export type Located = {
  /** As the engine knows the script: `file:///…`, "" when it has no name. */
  readonly url: string;
  /** As it was compiled: types are blank. */
  readonly source: string;
  /** Of the function's parameters in `source`, UTF-16 units. */
  readonly offset: number;
};

/** Under this name of the global object the engine finds the function while it is asked. */
const slot = Symbol.for("tequio.located");

/** Null for what was not written in JavaScript: built-in and bound functions, proxies. Null as well
 *  where the engine cannot be asked. */
export async function locate(code: AnyFunction): Promise<Located | null> {
  const inspector = await import("node:inspector").catch(() => null);
  if (inspector === null) return null;
  const session = new inspector.Session();
  try {
    session.connect();
    return ask(session, code);
  } catch {
    // An engine without this protocol.
    return null;
  } finally {
    Reflect.deleteProperty(globalThis, slot);
    session.disconnect();
  }
}

type Place = {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
};

/** Within one thread all answers are here when a call returns. */
function ask(session: Session, code: AnyFunction): Located | null {
  const urls = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
  Reflect.set(globalThis, slot, code);
  const expression = `globalThis[Symbol.for(${JSON.stringify(slot.description)})]`;
  let objectId = "";
  session.post("Runtime.evaluate", { expression }, (_, answer) => {
    objectId = answer?.result.objectId ?? "";
  });
  let place: Place | null = null;
  session.post("Runtime.getProperties", { objectId, ownProperties: true }, (_, answer) => {
    const all = answer?.internalProperties ?? [];
    place = (all.find(({ name }) => name === "[[FunctionLocation]]")?.value?.value ??
      null) as Place | null;
  });
  if (place === null) return null;
  const { scriptId, lineNumber, columnNumber } = place as Place;
  let source = "";
  session.post("Debugger.enable");
  session.post("Debugger.getScriptSource", { scriptId }, (_, answer) => {
    source = answer?.scriptSource ?? "";
  });
  session.post("Runtime.releaseObject", { objectId });
  if (source === "") return null;
  return {
    url: urls.get(scriptId) ?? "",
    source,
    offset: offsetOf(source, lineNumber, columnNumber),
  };
}

function offsetOf(source: string, line: number, column: number): number {
  let at = 0;
  for (let n = 0; n < line; n++) at = source.indexOf("\n", at) + 1;
  return at + column;
}
