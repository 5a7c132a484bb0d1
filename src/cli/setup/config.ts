/** `tequio config`: which config file is used and what it says, and the schema of such files. */
import type { Command } from "commander";
import { withExamples, withJson } from "../options.ts";
import type { AllCommands } from "./completion.ts";
import { configName, readConfig } from "./config-file.ts";
import { configSchema } from "./config-schema.ts";
import { checkSettings } from "./settings.ts";

type Options = { readonly json?: boolean; readonly schema?: boolean };

export function define(command: Command, all: AllCommands): void {
  command.option("--schema", "print the JSON schema of such a file, for editors");
  withExamples(withJson(command), [
    ["tequio config", `check the ${configName} of this folder, and print what it sets`],
    ["tequio config --schema > tequio.config.schema.json", 'name it as "$schema" in the file'],
    [`echo '{"up": {"workers": 2}}' > ${configName}`, "`tequio up` starts 2 workers from now on"],
    ["TEQUIO_UP_WORKERS=3 tequio up", "the environment wins over the file"],
  ]).action(async ({ json, schema }: Options) => {
    const commands = await all();
    if (schema === true) return console.log(JSON.stringify(configSchema(commands), null, 2));
    const file = readConfig();
    if (file !== null) checkSettings(file, commands);
    if (json) return console.log(JSON.stringify(file));
    if (file === null) return console.log(`no ${configName} here or above; defaults apply`);
    console.log(file.path);
    for (const [name, options] of Object.entries(file.settings)) {
      for (const [option, value] of Object.entries(options)) {
        console.log(`  ${name}: ${option} = ${JSON.stringify(value)}`);
      }
    }
  });
}
