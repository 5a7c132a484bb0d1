/** `tequio join <url>`: this machine's cores for a coordinator, until Ctrl-C. */
import { availableParallelism, hostname } from "node:os";
import { type Command, Option } from "commander";
import { defaultRules } from "../../core/worker.ts";
import {
  countArgument,
  durationArgument,
  sizeArgument,
  withExamples,
  withJson,
} from "../options.ts";
import { enoughMemory } from "./enough-memory.ts";
import { checkLeaving, drainMs, withLeaving } from "./join/leaving.ts";
import { teller } from "./join/news.ts";
import { type JoinOptions, withSystems } from "./join/options.ts";
import { superviseWorker } from "./join/supervise.ts";
import { pythonOption, sandboxOption } from "./up.ts";

export function define(command: Command): void {
  command
    .argument(
      "<url>",
      "address of the coordinator, such as http://host:7070, or /ip4/…/p2p/…; of several of one " +
        "cluster, with commas between them",
    )
    .option("--token <token>", "join token, as printed by `tequio up`")
    .option(
      "--token-file <file>",
      "file with the join token, mode 0600; or put the token itself in $TEQUIO_TOKEN",
    )
    .option("--fingerprint <hex>", "refuse a coordinator with a different certificate")
    .addOption(slotsOption())
    .option(
      "--memory <size>",
      "memory for all tasks together, such as 2G",
      sizeArgument("--memory"),
    )
    .option(
      "--scratch <size>",
      "disk space for files of all running tasks (default: 75 % of the free space)",
      sizeArgument("--scratch"),
    )
    .option(
      "--low-water <size>",
      "accept no new task below this much free disk space (default: 128M, or 2.5 % of a " +
        "small disk)",
      sizeArgument("--low-water"),
    )
    .addOption(nameOption())
    .option("--data <dir>", "directory for what this worker has computed")
    .option("--store <dir>", "blobs/ of a coordinator on this machine: results are not copied")
    .option("--no-restart", "exit when the worker crashes, instead of starting it again")
    .addOption(new Option("--record <file>", "written by a worker of `up`").hideHelp())
    .addOption(new Option("--supervised", "started by another `join`").hideHelp())
    .option(
      "--listen <address>",
      "address from which other workers fetch; none = do not listen",
      "0.0.0.0:0",
    )
    .addOption(sandboxOption())
    .addOption(pythonOption())
    .addOption(
      new Option("--dial-timeout <time>", "time limit of one attempt to reach the coordinator")
        .argParser(durationArgument("--dial-timeout"))
        .default(defaultRules.joinTimeoutMs, "10s"),
    )
    .addOption(
      new Option("--give-up <time>", "exit when no coordinator answers for this long")
        .argParser(durationArgument("--give-up"))
        .default(0, "never"),
    );
  withLeaving(command);
  withExamples(withJson(withSystems(command)), examples).action(join);
}

function slotsOption(): Option {
  return new Option("--slots <n>", "tasks at once; auto = one for each core")
    .argParser(slotsArgument)
    .default(availableParallelism(), "auto");
}

function nameOption(): Option {
  const option = new Option("--name <name>", "name of this worker in lists");
  return option.default(hostname(), "that of its machine");
}

function slotsArgument(text: string): number {
  return text === "auto" ? availableParallelism() : countArgument("--slots", 1, 1024)(text);
}

const examples: readonly [string, string][] = [
  ["tequio join http://host:7070 --token k7f3-…", "contribute all cores of this machine"],
  ["tequio join https://host:7070/j#k7f3-…", "the same by a link for browsers"],
  [
    "tequio join https://host:7070 --token-file t --slots 2 --memory 1G",
    "contribute two cores and at most 1 GiB of memory",
  ],
  [
    "tequio join /ip4/192.168.1.20/tcp/7075/p2p/12D3Koo…",
    "join a manager over libp2p, and compute WebAssembly modules for it",
  ],
  [
    "tequio join http://host:7070 --token-file t --give-up 5m",
    "exit with code 3 when no coordinator answers for 5 minutes",
  ],
  [
    "tequio join http://host:7070 --token-file t --jobtracker 7998 --submit-token-file s",
    "also take tasks of existing trackers of the filesystem protocol",
  ],
  [
    "tequio join http://host:7070 --token-file t --lifetime 55m --drain 120s --idle-exit 10m",
    "leave before a batch system ends the machine, with 2 minutes to hand over what was mapped",
  ],
];

async function join(address: string, options: JoinOptions): Promise<void> {
  enoughMemory(options.memory, options.slots);
  // What is left of a lifetime after a crash was checked as a whole.
  if (!options.supervised) checkLeaving(options);
  const tell = teller(options.json === true, (line) => console.log(line));
  // Workers of `up` are watched by it.
  if (options.restart && options.record === undefined && !options.supervised) {
    process.exitCode = await superviseWorker(tell, {
      drainMs: drainMs(options),
      lifetimeMs: options.lifetime,
    });
    return;
  }
  const { runWorker } = await import("./join/worker.ts");
  await runWorker(address, options, tell);
}
