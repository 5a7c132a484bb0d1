/** `tequio man <command>`: its manual page, made from the command itself. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Argument, type Command } from "commander";
import { packageVersion } from "../../client/package-version.ts";
import { ClusterError } from "../../core/error.ts";
import { withExamples } from "../options.ts";
import type { AllCommands } from "./completion.ts";
import { manualPage } from "./manual-page.ts";
import { named } from "./settings.ts";

export function define(command: Command, all: AllCommands): void {
  command
    .addArgument(new Argument("[command...]", "which command, as `up` or `token create`"))
    .option("--out <dir>", "write the pages of all commands into this folder");
  withExamples(command, [
    ["tequio man up | man -l -", "read the manual of `tequio up`"],
    ["tequio man --out /usr/local/share/man/man1", "install all pages: `man tequio-up`"],
  ]).action(async (words: readonly string[], { out }: { readonly out?: string }) => {
    const commands = named(await all());
    if (out !== undefined) {
      mkdirSync(out, { recursive: true });
      for (const { command: one, name } of commands) {
        writeFileSync(join(out, `${pageName(name)}.1`), manualPage(one, name, packageVersion()));
      }
      return console.log(`${commands.length} pages are in ${out}`);
    }
    const wanted = words.join(" ");
    const found = commands.find(({ name }) => name === wanted);
    if (found === undefined) {
      const names = commands.map(({ name }) => name).join(", ");
      const what = wanted === "" ? "name a command" : `there is no command "${wanted}"`;
      throw new ClusterError("bad-request", `${what}; there are ${names}`);
    }
    process.stdout.write(manualPage(found.command, wanted, packageVersion()));
  });
}

/** `tequio-token-create`. */
function pageName(name: string): string {
  return `tequio-${name.replaceAll(" ", "-")}`;
}
