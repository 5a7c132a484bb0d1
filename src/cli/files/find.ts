/** `tequio find PATTERN`: shared files by a part of their name or description. */
import type { Command } from "commander";
import { withExamples, withJson } from "../options.ts";
import { matcherOf } from "./listing.ts";
import { type ListOptions, listed, show } from "./ls.ts";
import { withMaster } from "./master.ts";

export function define(command: Command): void {
  command.argument("<pattern>", "part of a name or description, or a name with * and ?");
  withExamples(withJson(withMaster(command)), [
    ["tequio find war", "names and descriptions that contain war"],
    ["tequio find '*.csv'", "names that end in .csv, in any folder"],
    ["tequio find 'logs/**/2026-*'", "in all folders below logs"],
  ]).action(async (pattern: string, options: ListOptions) => {
    const files = await listed(options, matcherOf(pattern));
    show(files, options, `no shared file matches ${pattern}`);
    // As with grep, the exit code shows scripts that nothing was found.
    if (files.length === 0) process.exitCode = 1;
  });
}
