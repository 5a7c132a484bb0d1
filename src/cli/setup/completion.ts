/** `tequio completion <shell>`: a script that completes commands and options, made from the
 *  commands themselves. */
import { Argument, type Command } from "commander";
import { withExamples } from "../options.ts";
import { type Completed, type Shell, shells } from "./shells.ts";

/** Builds every command in full. */
export type AllCommands = () => Promise<readonly Command[]>;

export function define(command: Command, all: AllCommands): void {
  command.addArgument(new Argument("<shell>", "which shell").choices(Object.keys(shells)));
  withExamples(command, [
    ["source <(tequio completion bash)", "complete in this bash; put the line into ~/.bashrc"],
    ["tequio completion zsh > ~/.zfunc/_tequio", "in zsh, with ~/.zfunc in its fpath"],
    ["tequio completion fish > ~/.config/fish/completions/tequio.fish", "in each new fish"],
  ]).action(async (shell: Shell) => {
    process.stdout.write(shells[shell]((await all()).map(completedOf)));
  });
}

function completedOf(command: Command): Completed {
  return {
    name: command.name(),
    summary: command.description(),
    options: command.options.flatMap(({ argChoices, description, long, required }) =>
      long == null
        ? []
        : [{ flag: long, what: description, takesValue: required, choices: argChoices ?? [] }],
    ),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    subcommands: command.commands.map(completedOf),
  };
}
