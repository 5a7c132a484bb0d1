/** The command line: finds the command, loads its file alone, ends with an exit code.
 *
 *  Importing this file runs it. Other commands' files and all machinery are imported when needed:
 *  `tequio --help` must not load a bundler. */
import { Command, CommanderError } from "commander";
import { ClusterError } from "../core/error.ts";
import { exitCodeFor, exitCodes } from "./faults.ts";
import { logAsJson } from "./log-json.ts";
import { type Connection, withPastable } from "./paste.ts";
import { printFault, typedOptions } from "./result/answer.ts";
import { type Carried, isKnownLost, standardOutputHas, watchReaders } from "./result/readers.ts";
import { readConfig } from "./setup/config-file.ts";
import { applySettings } from "./setup/settings.ts";

export type CommandFile = {
  /** Adds arguments, options, examples and the action to an empty command of the right name. `all`:
   *  builds every command. */
  define(command: Command, all: () => Promise<readonly Command[]>): void;
};

type Listed = {
  readonly summary: string;
  readonly load: () => Promise<CommandFile>;
  /** What its standard output has; default "answer". A command with a result says more. */
  readonly prints?: Carried;
};

const commands: Readonly<Record<string, Listed>> = {
  up: {
    summary: "start a coordinator and workers on this machine",
    load: () => import("./cluster/up.ts"),
    prints: "messages",
  },
  join: {
    summary: "contribute this machine's cores to a coordinator elsewhere",
    load: () => import("./cluster/join.ts"),
    prints: "messages",
  },
  scale: {
    summary: "start and end workers by what waits: Slurm, ssh, Kubernetes, this machine",
    load: () => import("./scale/scale.ts"),
    prints: "messages",
  },
  gateway: {
    summary: "serve browser tabs that join a coordinator",
    load: () => import("./cluster/gateway.ts"),
    prints: "messages",
  },
  fs: {
    summary: "serve a file system of the filesystem protocol, without a cluster",
    load: () => import("./cluster/fs.ts"),
    prints: "messages",
  },
  down: {
    summary: "stop a running `tequio up`",
    load: () => import("./cluster/down.ts"),
    prints: "outcome",
  },
  run: {
    summary: "run a job and collect its result",
    load: () => import("./job/run.ts"),
    prints: "outcome",
  },
  map: {
    summary: "call a function for each line of standard input",
    load: () => import("./job/map.ts"),
    prints: "messages",
  },
  sql: {
    summary: "ask files by SQL, as a job",
    load: () => import("./job/sql.ts"),
    prints: "outcome",
  },
  attach: {
    summary: "follow the progress of a submitted job",
    load: () => import("./job/attach.ts"),
    prints: "outcome",
  },
  get: {
    summary: "save the result of a job, or fetch a shared file",
    load: () => import("./job/get.ts"),
    prints: "outcome",
  },
  share: {
    summary: "share files with other members, without copying them",
    load: () => import("./files/share.ts"),
    prints: "messages",
  },
  ls: { summary: "list shared files", load: () => import("./files/ls.ts") },
  find: { summary: "find shared files by name", load: () => import("./files/find.ts") },
  jobs: { summary: "list jobs, newest first", load: () => import("./job/jobs.ts") },
  status: {
    summary: "show stages, counters and errors of a job",
    load: () => import("./job/status.ts"),
  },
  why: {
    summary: "explain what a job, a task or a worker is waiting for",
    load: () => import("./web/why.ts"),
  },
  report: {
    summary: "save a job's page as one HTML file",
    load: () => import("./web/report.ts"),
  },
  logs: { summary: "print a job's log lines", load: () => import("./job/logs.ts") },
  cancel: { summary: "cancel jobs", load: () => import("./job/cancel.ts"), prints: "outcome" },
  replay: {
    summary: "run one task of a submitted job again, here, under a debugger",
    load: () => import("./job/replay.ts"),
    prints: "outcome",
  },
  profile: {
    summary: "show where a task of a submitted job spends its time",
    load: () => import("./job/profile.ts"),
    prints: "outcome",
  },
  recheck: {
    summary: "compute doubtful results of a finished job again",
    load: () => import("./job/recheck.ts"),
    prints: "outcome",
  },
  rm: {
    summary: "delete finished jobs and their results",
    load: () => import("./job/rm.ts"),
    prints: "outcome",
  },
  workers: { summary: "list workers", load: () => import("./cluster/workers.ts") },
  top: {
    summary: "watch workers and running jobs",
    load: () => import("./cluster/top.ts"),
    prints: "messages",
  },
  metrics: {
    summary: "print what Prometheus would read",
    load: () => import("./upkeep/metrics.ts"),
  },
  members: {
    summary: "list members and how much they share",
    load: () => import("./files/members.ts"),
    prints: "outcome",
  },
  token: {
    summary: "create, list and revoke tokens",
    load: () => import("./cluster/token.ts"),
    prints: "outcome",
  },
  console: {
    summary: "register, connect and share files as a user of a console server",
    load: () => import("./console/console.ts"),
  },
  backup: {
    summary: "back up a coordinator's data directory, also while it runs",
    load: () => import("./upkeep/backup.ts"),
  },
  restore: {
    summary: "restore a data directory from a backup",
    load: () => import("./upkeep/restore.ts"),
  },
  migrate: {
    summary: "move log and blobs into an engine, to another one, or back",
    load: () => import("./upkeep/migrate.ts"),
  },
  check: {
    summary: "verify every record and blob of a data directory or backup",
    load: () => import("./upkeep/check.ts"),
  },
  doctor: {
    summary: "report unsafe settings and how to fix them",
    load: () => import("./upkeep/doctor.ts"),
  },
  init: {
    summary: "write a job, its test and a project around them",
    load: () => import("./setup/init.ts"),
    prints: "outcome",
  },
  completion: {
    summary: "print a script that completes commands in bash, zsh or fish",
    load: () => import("./setup/completion.ts"),
  },
  config: {
    summary: "check and show the config file of this folder",
    load: () => import("./setup/config.ts"),
  },
  man: {
    summary: "print the manual page of a command",
    load: () => import("./setup/man.ts"),
  },
  version: { summary: "print versions", load: () => import("./cluster/version.ts") },
};

const intro = `Examples:
  $ tequio run --local examples/word-count/job.ts books/*.txt   run a job without a cluster
  $ tequio up                                                    start a cluster on this machine
  $ tequio run job.ts 'logs/**/*.gz' -o out/                     run a job on it
  $ tequio <command> --help                                      show examples of a command

Exit codes: 0 done, 1 job failed or output not written, 2 bad input, 3 no coordinator,
  130 interrupted, 141 the reader of the output went away`;

/** Only the named command is built in full; the others are lines of the help. */
async function build(name: string | undefined): Promise<Command> {
  const program = new Command("tequio")
    .description("A MapReduce cluster made of whatever is around.")
    .option("-V, --version", "print the version")
    .addHelpText("after", `\n${intro}`);
  strict(program);
  program.hook("preAction", (_program, command) => prepare(command));
  for (const [key, listed] of Object.entries(commands)) {
    const command = program.command(key).description(listed.summary).allowUnknownOption();
    if (key !== name) continue;
    (await listed.load()).define(command.allowUnknownOption(false), buildAll);
    forAll(command, (c) => {
      c.option("--debug", "print stack traces of errors");
      strict(c);
    });
  }
  return program;
}

/** The one that runs, a subcommand perhaps, once its arguments are read. */
let current: Command | null = null;

/** Before a command runs: what is not on its command line. */
function prepare(command: Command): void {
  current = command;
  // It reads the file itself, to say what is wrong with it. Workers of `up` are its own.
  if (command.name() === "config" || command.opts().record !== undefined) return;
  applySettings(command, readConfig(), process.env);
  if (command.opts().logJson === true) logAsJson(command.name());
}

/** Each in full, for what is made from them. */
function buildAll(): Promise<readonly Command[]> {
  return Promise.all(
    Object.entries(commands).map(async ([key, { load, summary }]) => {
      const command = new Command(key).description(summary);
      (await load()).define(command, buildAll);
      return command;
    }),
  );
}

function forAll(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const sub of command.commands) forAll(sub, change);
}

/** Commander throws instead of exiting, and its complaints look like all others. */
function strict(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text) => {
      complained = new ClusterError("bad-request", complaint(text, command));
    },
  });
}

/** Of commander, which then throws. */
let complained: ClusterError | null = null;

/** What commander has thrown. Of a command that lacks its subcommand it has printed the help. */
function usageError(error: CommanderError, args: readonly string[]): ClusterError {
  if (complained !== null) return complained;
  const name = args.find((arg) => !arg.startsWith("-")) ?? "";
  const text = error.code === "commander.help" ? `${name} needs a subcommand` : error.message;
  return new ClusterError("bad-request", `${text}; see tequio ${name} --help`);
}

/** Of the command that ran, for the commands that its errors name. */
function optionsOf(program: Command, name: string | undefined): Connection {
  return program.commands.find((command) => command.name() === name)?.opts() ?? {};
}

function complaint(text: string, command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  const plain = text
    .replace(/^error: /, "")
    .trim()
    .replace(/\n/g, " ");
  return `${plain}; see ${names.join(" ")} --help`;
}

async function run(args: readonly string[]): Promise<number> {
  const name = args.find((arg) => !arg.startsWith("-"));
  if (name === undefined && args.some((arg) => arg === "-V" || arg === "--version")) {
    return run(["version"]);
  }
  const wanted = name === "help" ? args[args.indexOf("help") + 1] : name;
  // `help nothing` gives the same error as `nothing`.
  if (name === "help" && wanted !== undefined && !(wanted in commands)) return run([wanted]);
  const isHelp = name === "help" || args.includes("--help") || args.includes("-h");
  const listed = wanted === undefined || isHelp ? undefined : commands[wanted];
  standardOutputHas(listed?.prints ?? "answer");
  const program = await build(wanted);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    const known = error instanceof CommanderError ? usageError(error, args) : error;
    // A stream may reject its writer before it emits the error.
    await new Promise(setImmediate);
    if (isKnownLost(known)) return exitCodes.ok;
    const debug = args.includes("--debug");
    printFault(known, { ...typedOptions(args, current?.opts() ?? {}), debug }, (text) =>
      withPastable(text, optionsOf(program, wanted)),
    );
    return exitCodeFor(known);
  }
}

watchReaders(process.argv.includes("--debug"));

const code = await run(process.argv.slice(2));
// A command that has done its work may still have found something bad.
if (code !== exitCodes.ok) process.exitCode = code;
// What holds the process open a second after the end is a leak, unless it is output still to be
// read.
setInterval(() => {
  if (process.stdout.writableLength === 0) process.exit();
}, 1000).unref();
