/** Options that are not on the command line: from the environment, `TEQUIO_<COMMAND>_<OPTION>`,
 *  and from a config file. Pure: from what there is to the options of one command.
 *
 *  1. The command line wins over the environment, that over the file, that over the defaults.
 *  2. A command line that names a coordinator (`--data`, `--url`), or needs none (`--local`), hides
 *     all that the others say of one. */
import { dirname, resolve } from "node:path";
import type { Command, Option } from "commander";
import { InvalidArgumentError } from "commander";
import { ClusterError } from "../../core/error.ts";

/** By command, `token create` among them, then by option, as `lowWater`. `all`: of every command
 *  that has the option. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type SettingsFile = { readonly path: string; readonly settings: Settings };

/** Never in a file: they are secrets, or of one call. */
const neverInFiles = new Set(["token", "help", "debug"]);
const namesTarget = ["data", "url", "local", "sequential"];
const ofTarget = new Set(["data", "url", "token", "tokenFile", "fingerprint"]);

/** `up`, or `token create`. */
export function nameOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command = command; at.parent !== null; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}

/** Those that a file may set. */
export function settableOptions(command: Command): Option[] {
  return command.options.filter(
    (option) => !option.hidden && !neverInFiles.has(option.attributeName()),
  );
}

/** `TEQUIO_UP_LOW_WATER`. */
export function variableOf(command: Command, option: Option): string {
  const words = [...nameOf(command).split(" "), ...option.attributeName().split(/(?=[A-Z])/)];
  return `TEQUIO_${words.join("_").replaceAll("-", "_").toUpperCase()}`;
}

/** Sets what the command line has left open. Throws `bad-request`. */
export function applySettings(
  command: Command,
  file: SettingsFile | null,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const isGiven = (name: string) => command.getOptionValueSource(name) === "cli";
  const hidesTarget = namesTarget.some(isGiven);
  const own = file?.settings[nameOf(command)] ?? {};
  const all = file?.settings.all ?? {};
  for (const option of settableOptions(command)) {
    const name = option.attributeName();
    if (isGiven(name) || (hidesTarget && ofTarget.has(name))) continue;
    const variable = variableOf(command, option);
    const text = env[variable];
    const set = (value: unknown, from: string) =>
      command.setOptionValueWithSource(name, parsedValue(option, value, from), "config");
    if (text !== undefined && text !== "") set(fromText(option, text), `$${variable}`);
    else if (file !== null && (own[name] ?? all[name]) !== undefined) {
      const value = own[name] ?? all[name];
      set(inFolder(option, value, dirname(file.path)), `${name} in ${file.path}`);
    }
  }
}

function takesValue({ optional, required }: Option): boolean {
  return required || optional;
}

function fromText(option: Option, text: string): unknown {
  if (takesValue(option)) return text;
  if (/^(1|true|yes)$/i.test(text)) return true;
  return /^(0|false|no)$/i.test(text) ? false : text;
}

/** Paths of a file are relative to it. */
function inFolder(option: Option, value: unknown, folder: string): unknown {
  const isPath = /<(dir|file|path)>/.test(option.flags);
  return isPath && typeof value === "string" && !["-", "none"].includes(value)
    ? resolve(folder, value)
    : value;
}

function parsedValue(option: Option, value: unknown, from: string): unknown {
  const wrong = (why: string) => new ClusterError("bad-request", `${from}: ${why}`);
  if (!takesValue(option)) {
    if (typeof value === "boolean") return value;
    throw wrong(`${option.long} is true or false`);
  }
  const { parseArg } = option;
  const one = (text: string, before: unknown): unknown => {
    try {
      return parseArg === undefined ? text : parseArg(text, before as never);
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw wrong(error.message);
      throw error;
    }
  };
  const isText = (part: unknown) => typeof part === "string" || typeof part === "number";
  if (isText(value)) return one(String(value), option.defaultValue);
  if (Array.isArray(value) && value.every(isText)) {
    return value.reduce<unknown>((before, part) => one(String(part), before), undefined);
  }
  throw wrong(`${option.long} is a text or a number`);
}

/** Throws `bad-request` for what no command has. */
export function checkSettings(
  { path, settings }: SettingsFile,
  commands: readonly Command[],
): void {
  const known = knownOptions(commands);
  for (const [command, options] of Object.entries(settings)) {
    const names = known.get(command);
    if (names === undefined) {
      const text = `${path}: there is no command "${command}"; use ${[...known.keys()].join(", ")}`;
      throw new ClusterError("bad-request", text);
    }
    for (const name of Object.keys(options)) {
      if (names.has(name)) continue;
      const why = neverInFiles.has(name) ? "is never in a file" : "is no option of it";
      const text = `${path}: ${command}: "${name}" ${why}; it has ${[...names].join(", ")}`;
      throw new ClusterError("bad-request", text);
    }
  }
}

/** By command, `token create` among them, and `all`. */
export function knownOptions(commands: readonly Command[]): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>([["all", new Set()]]);
  for (const { command, name } of named(commands)) {
    const names = settableOptions(command).map((option) => option.attributeName());
    known.set(name, new Set(names));
    for (const one of names) known.get("all")?.add(one);
  }
  return known;
}

/** With those below them. */
export function named(
  commands: readonly Command[],
  before: readonly string[] = [],
): Array<{ readonly name: string; readonly command: Command }> {
  return commands.flatMap((command) => {
    const names = [...before, command.name()];
    const below = named(command.commands, names);
    return below.length > 0 ? below : [{ name: names.join(" "), command }];
  });
}
