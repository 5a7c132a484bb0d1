/** The one answer of a command with `--json`, also of one that fails: an object with its `failure`,
 *  unless the answer that it has given says the same. */
import { faultOf } from "../faults.ts";
import { isForPrograms, isToOutput, resultIsPrinted, type Wanted } from "./readers.ts";

let isGiven = false;

/** Prints it: beside a result on standard output, on standard error. */
export function answer(value: unknown, options: Wanted): void {
  isGiven = true;
  const print = isToOutput(options) ? console.error : console.log;
  print(JSON.stringify(value));
}

/** Options by which the answer to a query is not on standard output. */
const elsewhere = /^(-o|--output|--merge|--detach|--explain)/;

/** Of a command as it was typed, whose options may not have been read. */
export function typedOptions(args: readonly string[], read: Wanted): Wanted {
  const end = args.indexOf("--");
  const typed = end < 0 ? args : args.slice(0, end);
  const isPiped = typed.some((one, at) => {
    const names = /^(-o|--output|--merge)$/.test(typed[at - 1] ?? "");
    return (names && one === "-") || /^(-o|--output=|--merge=)-$/.test(one);
  });
  // Where its answer goes is known once it runs.
  const isSql = typed[0] === "sql" && Object.keys(read).length === 0;
  const isPrinted = isSql && !typed.some((one) => elsewhere.test(one));
  const json = read.json ?? typed.includes("--json");
  return { ...read, json, ...(isPiped || isPrinted ? { output: "-" } : {}) };
}

/** Prints what ended a command with these options, for people or for programs. `change` completes
 *  the text that people would read. */
export function printFault(
  error: unknown,
  options: Wanted & { readonly debug?: boolean },
  change: (text: string) => string,
): void {
  const { debug = false, json } = options;
  const { code, message, text } = faultOf(error, debug);
  // Standard error has what programs read when standard output has the result.
  const isPiped = isForPrograms(options) || (json === true && resultIsPrinted());
  if (text !== "" && (!isPiped || debug)) console.error(change(text));
  if (json !== true || isGiven) return;
  const failure = { code, message: change(message) };
  answer({ failure }, isPiped ? { output: "-" } : {});
}
