/** `tequio metrics`: what Prometheus would read, once, for people and scripts. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";

type Options = TargetOptions & { readonly json?: boolean };

export function define(command: Command): void {
  withExamples(withJson(withTarget(command)), [
    ["tequio metrics", "the text of GET /metrics"],
    ["tequio metrics --json", "an object with a number for each"],
  ]).action(async (options: Options) => {
    const text = await (await openClient(options)).metrics();
    if (!options.json) process.stdout.write(text);
    else console.log(JSON.stringify(valuesOf(text)));
  });
}

/** By name and labels, as `tequio_tasks{state="ready"}`. */
export function valuesOf(text: string): Record<string, number> {
  const values: [string, number][] = [];
  for (const line of text.split("\n")) {
    const end = line.lastIndexOf(" ");
    if (line.startsWith("#") || end === -1) continue;
    values.push([line.slice(0, end), Number(line.slice(end + 1))]);
  }
  return Object.fromEntries(values);
}
