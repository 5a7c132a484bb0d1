/** A function as its text, with nothing of what is around it. */
import { ClusterError } from "../../core/error.ts";
import type { AnyFunction } from "./locate.ts";

export type Alone = {
  /** An expression of the function, or of an object that has it as its only method. */
  readonly source: string;
  /** Of the function's parameters in `source`, UTF-16 units. */
  readonly offset: number;
  readonly isMethod: boolean;
};

/** Throws `build-failed` for what is no function: programs of plain JavaScript have no compiler. */
export function checkFunction(code: unknown, role: string): void {
  if (typeof code === "function") return;
  throw new ClusterError("build-failed", `${role} is a ${typeof code}; give a function`);
}

/** Throws `build-failed` for built-in and bound functions, which have no text. */
export function aloneText(code: AnyFunction, role: string): Alone {
  const text = Function.prototype.toString.call(code);
  const isBuiltIn = /\{\s*\[native code\]\s*\}$/.test(text);
  if (isBuiltIn) {
    const name = code.name === "" ? "" : ` ${code.name}`;
    throw new ClusterError(
      "build-failed",
      `${role}${name} is built in or bound, and has no source: write (item) => … around it`,
    );
  }
  const isMethod = !/^(async\s+)?(function|class|\(|[\w$]+\s*=>|\*)/.test(text);
  const source = isMethod ? `({${text}})` : `(${text})`;
  return { source, offset: isMethod ? source.indexOf("(", 2) : 1, isMethod };
}

/** An expression of the function itself. */
export function aloneExpression(code: AnyFunction, role: string): string {
  checkFunction(code, role);
  const { isMethod, source } = aloneText(code, role);
  return isMethod ? `Object.values(${source})[0]` : source;
}
