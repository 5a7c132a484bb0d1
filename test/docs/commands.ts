/** Checks that command lines in documents use only commands and options that exist. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { readText, root } from "./markdown.ts";

const execute = promisify(execFile);
const helpTexts = new Map<string, Promise<string>>();

/** What is wrong with a line, or null. */
export async function commandProblem(line: string): Promise<string | null> {
  const words = line.split(/\s+/);
  return words[0] === "npm" ? npmProblem(words) : tequioProblem(words.slice(1), line);
}

function npmProblem(words: readonly string[]): string | null {
  const [, verb, name] = words;
  if (["ci", "link", "pack", "install"].includes(verb!)) return null;
  const script = verb === "run" ? name : verb;
  const { scripts } = JSON.parse(readText("package.json"));
  return script !== undefined && script in scripts ? null : `package.json has no script ${script}`;
}

/** `tequio token create --role x`: the path is `token create`, as far as help knows it. */
async function tequioProblem(words: readonly string[], line: string): Promise<string | null> {
  const options = words
    .filter((word) => /^--?[a-z]/i.test(word))
    .map((word) => word.split("=")[0]!);
  if (words.length === options.length) return optionProblem("", options, line);
  const [command, second] = words;
  const overview = await help("");
  if (!hasCommand(overview, command!)) return `no command ${command} in: ${line}`;
  const own = await help(command!);
  const isNested = second !== undefined && hasCommand(own, second);
  return optionProblem(isNested ? `${command} ${second}` : command!, options, line);
}

async function optionProblem(
  path: string,
  options: readonly string[],
  line: string,
): Promise<string | null> {
  const text = await help(path);
  const unknown = options.filter((option) => !new RegExp(`(^|[\\s,])${option}\\b`, "m").test(text));
  return unknown.length === 0 ? null : `no option ${unknown.join(", ")} in: ${line}`;
}

function hasCommand(helpText: string, name: string): boolean {
  const listed = helpText.split(/^Commands:$/m)[1] ?? "";
  return new RegExp(`^ {2}${name}\\b`, "m").test(listed);
}

function help(path: string): Promise<string> {
  const known = helpTexts.get(path);
  if (known !== undefined) return known;
  const args = [join(root, "bin", "tequio.js"), ...path.split(" ").filter(Boolean), "--help"];
  const asked = execute(process.execPath, args).then(({ stdout }) => stdout);
  helpTexts.set(path, asked);
  return asked;
}
