/** Commands that are printed to be pasted into a shell: quoted, and with the options by which this
 *  command has found its coordinator. */
import { resolve } from "node:path";
import type { TargetOptions } from "../client/place.ts";

export type Connection = TargetOptions & { readonly p4?: string; readonly p4TokenFile?: string };

/** Commands that talk to a coordinator, and so have the options of `withTarget`. */
const asking = new Set([
  ...["attach", "cancel", "down", "find", "get", "jobs", "logs", "ls", "members", "report", "rm"],
  ...["run", "share", "status", "token", "why", "workers"],
]);
/** Those that have `--data` alone. */
const here = new Set(["backup", "doctor", "up"]);

/** In quotes when a shell would read anything else in it. */
export function quoted(argument: string): string {
  return /^[\p{L}\p{N}_@%+=:,./…-]+$/u.test(argument)
    ? argument
    : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** `tequio attach j-7 --data /srv/data`: the arguments, then what leads to the same coordinator. */
export function toPaste(connection: Connection, ...args: readonly string[]): string {
  return ["tequio", ...args.map(quoted), ...connectionOf(args[0] ?? "", connection)].join(" ");
}

/** A text in which each command in backquotes can be pasted: those without options of their own
 *  that lead to a coordinator get those of this command. */
export function withPastable(text: string, connection: Connection): string {
  return text.replace(/`tequio ([a-z]+)([^`\n]*)`/g, (whole, command: string, rest: string) => {
    if (/ --(data|url|help|local|sequential)\b/.test(rest)) return whole;
    const added = connectionOf(command, connection);
    return `\`${["tequio", command + rest, ...added].join(" ")}\``;
  });
}

/** Paths are whole: it may be pasted in another directory. */
function connectionOf(command: string, of: Connection): string[] {
  const pairs: Array<[option: string, value: string | undefined]> = [];
  const path = (value: string | undefined) => (value === undefined ? value : resolve(value));
  if (asking.has(command) || here.has(command)) pairs.push(["--data", path(of.data)]);
  if (asking.has(command)) {
    pairs.push(["--url", of.url], ["--token-file", path(of.tokenFile)]);
    // Never the token: what is printed lands in logs. The reader knows what to put there.
    pairs.push(["--token", of.token === undefined ? undefined : "…"]);
    pairs.push(["--fingerprint", of.fingerprint], ["--p4", of.p4]);
    pairs.push(["--p4-token-file", path(of.p4TokenFile)]);
  }
  return pairs.flatMap(([option, value]) => (value === undefined ? [] : [option, quoted(value)]));
}

/** The `tequio up` that was typed, with its data directory and these options in place of its own.
 *  `typed`: what came after `up`. */
export function upToPaste(
  typed: readonly string[],
  dataDir: string,
  more: readonly string[],
): string {
  const replaced = ["--data", ...more.filter((one) => one.startsWith("--"))];
  const kept: string[] = [];
  for (let at = 0; at < typed.length; at += 1) {
    const argument = typed[at] as string;
    const option = argument.split("=")[0] as string;
    if (!replaced.includes(option)) kept.push(argument);
    // Its value is the next argument.
    else if (argument === option && !(typed[at + 1] ?? "--").startsWith("--")) at += 1;
  }
  return ["tequio", "up", "--data", dataDir, ...kept, ...more].map(quoted).join(" ");
}
