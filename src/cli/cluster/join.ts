import { availableParallelism, hostname } from "node:os";
import { type Command, Option } from "commander";
import { countArgument, durationArgument, sizeArgument, withExamples } from "../options.ts";
import { sandboxOption } from "./up.ts";

type Options = {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly slots: number;
  readonly memory?: number;
  readonly name?: string;
  readonly data?: string;
  readonly listen?: string;
  readonly sandbox: "auto" | "strict" | "basic";
  readonly giveUp: number;
};

export function define(command: Command): void {
  const cores = availableParallelism();
  command
    .argument("<url>", "address of the coordinator, as http://host:7070")
    .option("--token <token>", "join token, as `tequio up` prints it")
    .option("--token-file <file>", "file with it, mode 0600 (or $TEQUIO_TOKEN)")
    .option("--fingerprint <hex>", "refuse a coordinator with another key")
    .option("--slots <n>", "tasks at once", countArgument("--slots", 1, 1024), cores)
    .option("--memory <size>", "memory for all of them, as 2G", sizeArgument("--memory"))
    .option("--name <name>", "how people call this worker", hostname())
    .option("--data <dir>", "where it keeps what it has computed")
    .option("--listen <address>", "where other workers fetch from it", "0.0.0.0:0")
    .addOption(sandboxOption())
    .addOption(
      new Option("--give-up <time>", "end when no coordinator answers for this long")
        .argParser(durationArgument("--give-up"))
        .default(0, "never"),
    );
  withExamples(command, [
    ["tequio join http://host:7070 --token mrt_join_…", "all cores of this machine"],
    ["tequio join https://host:7070 --token-file t --slots 2 --memory 1G", "two, with a bound"],
  ]).action(join);
}
