/** Options that several commands share, and the words of their help. */
import { type Command, InvalidArgumentError } from "commander";
import { ClusterError } from "../core/error.ts";
import { parseBytes, parseCount, parseDuration } from "./numbers.ts";

/** Which coordinator to ask; every command that talks to one has these (`TargetOptions`). */
export function withTarget(command: Command): Command {
  return command
    .option("--data <dir>", "data directory of a coordinator on this machine")
    .option(
      "--url <url>",
      "address of a coordinator elsewhere, or of several of one cluster with commas between " +
        "them (or $TEQUIO_URL)",
    )
    .option(
      "--token-file <file>",
      "file with the token, mode 0600; or put the token itself in $TEQUIO_TOKEN",
    )
    .option("--token <token>", "the token itself; other users of this machine can see it")
    .option("--fingerprint <hex>", "refuse a coordinator with a different certificate");
}

export function withJson(command: Command): Command {
  return command.option("--json", "print JSON for programs");
}

/** Of the narrowest usual terminal. */
const columns = 80;

/** Examples at the end of a command's help, one `[command line, what it does]` a line. */
export function withExamples(command: Command, examples: ReadonlyArray<[string, string]>): Command {
  const width = examples.reduce((most, [line]) => Math.max(most, line.length), 0);
  const beside = examples.map(([line, what]) => `  $ ${line.padEnd(width)}  ${what}`);
  const below = examples.map(([line, what]) => `  $ ${line}\n      ${what}`);
  const lines = beside.every((line) => line.length <= columns) ? beside : below;
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** `--param k=v`, many times; values stay texts, the job's own defaults decide how they are
 *  read. */
export function parseParam(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  const name = text.slice(0, at);
  if (at < 1 || ["__proto__", "constructor", "prototype"].includes(name)) {
    throw new InvalidArgumentError("write it as name=value");
  }
  return { ...previous, [name]: text.slice(at + 1) };
}

/** How the option is typed that commander calls so: `tokenFile` → `--token-file`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An HTTP address without a path, such as `http://127.0.0.1:8080`. */
export function originArgument(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/";
  if (isOrigin && url.search === "" && url.hash === "" && url.username === "") return url.origin;
  throw new InvalidArgumentError("write it as http://host:port");
}

/** The same, which may be repeated. */
export function originsArgument(text: string, others: readonly string[] = []): string[] {
  return [...others, originArgument(text)];
}

type Parser<T> = (text: string) => T;

/** Commander wants its own error class to name the option; the text stays ours. */
function asArgument<T>(parse: Parser<T>): Parser<T> {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof ClusterError) throw new InvalidArgumentError(error.text);
      throw error;
    }
  };
}

export function sizeArgument(option: string): Parser<number> {
  return asArgument((text) => parseBytes(text, option));
}

export function durationArgument(option: string): Parser<number> {
  return asArgument((text) => parseDuration(text, option));
}

export function countArgument(option: string, min: number, max: number): Parser<number> {
  return asArgument((text) => parseCount(text, option, { min, max }));
}

/** 0 to 100, fractions allowed. */
export function percentArgument(option: string): Parser<number> {
  return asArgument((text) => {
    const value = /^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
    if (value <= 100) return value;
    throw new ClusterError("bad-request", `${option} is a number from 0 to 100, as 0.5`);
  });
}
