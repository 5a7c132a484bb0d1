/** Manual pages in the language of man(7): pure, from a command to the text. */
import type { Argument, Command, Option } from "commander";

/** `name`: `up`, or `token create`. */
export function manualPage(command: Command, name: string, version: string): string {
  const title = `tequio-${name.replaceAll(" ", "-")}`;
  const named = command.registeredArguments;
  const options = command.options.filter(({ hidden }) => !hidden);
  const lines = [
    `.TH ${title.toUpperCase()} 1 "" "tequio ${version}" "Tequio"`,
    ".SH NAME",
    `${plain(title)} \\- ${plain(command.description())}`,
    ".SH SYNOPSIS",
    `.B tequio ${plain(name)}`,
    "[\\fIoptions\\fR]",
    ...named.map(usage),
    ...(named.length === 0 ? [] : [".SH ARGUMENTS", ...named.flatMap(argument)]),
    ...(options.length === 0 ? [] : [".SH OPTIONS", ...options.flatMap(option)]),
    ...after(command),
    ".SH SEE ALSO",
    plain(`tequio ${name} --help`),
  ];
  return `${lines.join("\n")}\n`;
}

function usage(argument: Argument): string {
  const name = `\\fI${plain(argument.name())}\\fR${argument.variadic ? " ..." : ""}`;
  return argument.required ? name : `[${name}]`;
}

function argument(one: Argument): string[] {
  return [".TP", `\\fI${plain(one.name())}\\fR`, plain(withMore(one.description, one))];
}

function option(one: Option): string[] {
  return [".TP", `\\fB${plain(one.flags)}\\fR`, plain(withMore(one.description, one))];
}

type Described = Pick<Option, "argChoices" | "defaultValue" | "defaultValueDescription">;

/** As `--help` has it: what may be given, and what is taken otherwise. */
function withMore(
  text: string,
  { argChoices, defaultValue, defaultValueDescription }: Described,
): string {
  const choices = argChoices === undefined ? [] : [`one of ${argChoices.join(", ")}`];
  const isShown = defaultValue !== undefined && typeof defaultValue !== "boolean";
  const shown = defaultValueDescription ?? JSON.stringify(defaultValue);
  const byDefault = isShown ? [`default: ${shown}`] : [];
  const more = [...choices, ...byDefault].join("; ");
  return more === "" ? text : `${text} (${more})`;
}

/** The examples of its help, and what else stands there. */
function after(command: Command): string[] {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  const at = help.indexOf("\nExamples:\n");
  if (at === -1) return [];
  const text = help.slice(at + "\nExamples:\n".length).trimEnd();
  return [".SH EXAMPLES", ".nf", ...text.split("\n").map(plain), ".fi"];
}

/** What man(7) would read otherwise: backslashes, hyphens of options, and a first dot or quote. */
function plain(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
