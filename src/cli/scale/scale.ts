/** `tequio scale slurm|ssh|k8s|local`: workers from what the site has, as many as what waits is
 *  worth. */
import { createHash } from "node:crypto";
import { Argument, type Command } from "commander";
import { findTarget, type TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import type { Client } from "../../sdk/client.ts";
import { checkLeaving } from "../cluster/join/leaving.ts";
import { openClient } from "../connection.ts";
import { withLogJson } from "../log-json.ts";
import { plural } from "../numbers.ts";
import { countArgument, durationArgument, withExamples, withJson, withTarget } from "../options.ts";
import { quoted } from "../paste.ts";
import { adapt, stepText } from "./adapt.ts";
import { AttachedWorkers, localPlace, sshPlace } from "./attached.ts";
import { KubernetesWorkers } from "./kubernetes.ts";
import type { Scheduler, WorkerTerms } from "./scheduler.ts";
import { SlurmWorkers, slurmOptions } from "./slurm.ts";

const kinds = ["slurm", "ssh", "k8s", "local"] as const;
type Kind = (typeof kinds)[number];

type Options = TargetOptions & {
  readonly min: number;
  readonly max: number;
  readonly slots: number;
  readonly within: number;
  readonly hold: number;
  readonly every: number;
  readonly drain: number;
  readonly lifetime?: number;
  readonly join?: string;
  readonly program?: string;
  readonly hosts?: string;
  readonly image?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
};

/** Workers join with it; a queue of a site may be long. */
const tokenTtlMs = 7 * 86_400_000;
const countMax = 10_000;

export function define(command: Command): void {
  const duration = (name: string, text: string, byDefault: number, shown: string) =>
    command
      .createOption(`--${name} <time>`, text)
      .argParser(durationArgument(`--${name}`))
      .default(byDefault, shown);
  command
    .addArgument(new Argument("<where>", "what starts them").choices(kinds))
    .argument("[options...]", "after --: options of sbatch, ssh, kubectl")
    .option("--min <n>", "workers to keep in any case", countArgument("--min", 0, countMax), 0)
    .option("--max <n>", "never more workers", countArgument("--max", 0, countMax), 10)
    .option("--slots <n>", "tasks at once in each", countArgument("--slots", 1, 1024), 1)
    .addOption(duration("within", "time in which what waits is to be done", 60_000, "1m"))
    .addOption(duration("hold", "keep workers for this long when less waits", 60_000, "1m"))
    .addOption(duration("every", "time between two looks", 5_000, "5s"))
    .addOption(duration("drain", "time of a worker to end what it runs", 25_000, "25s"))
    .option(
      "--lifetime <time>",
      "workers leave by then, as where machines end; the time limit of Slurm is known without it",
      durationArgument("--lifetime"),
    )
    .option("--hosts <list>", "of ssh: hosts, as ana@pc1,pc2:4 (at most 4 there)")
    .option("--image <image>", "of k8s: image whose entry point is `tequio`")
    .option("--program <command>", "the program there (default: tequio)")
    .option("--join <url>", "address of the coordinator for them, when it is another for them")
    .option("--dry-run", "print what would be submitted for --max workers, and submit nothing");
  withExamples(withLogJson(withJson(withTarget(command))), [
    ["tequio scale local --max 4", "up to 4 more workers on this machine while tasks wait"],
    ["tequio scale ssh --hosts pc1,pc2:4 --max 5", "on two machines, by ssh with your key"],
    [
      "tequio scale slurm --max 50 --slots 8 -- --partition=short --time=60",
      "as arrays of Slurm; what comes after -- is for sbatch",
    ],
    [
      "tequio scale k8s --max 20 --image registry/tequio:2 -- --namespace=lab",
      "as pods of Kubernetes",
    ],
    ["tequio scale slurm --max 50 --dry-run", "print the script that it would submit"],
  ]).action(scale);
}

async function scale(where: Kind, more: readonly string[], options: Options): Promise<void> {
  if (options.min > options.max) {
    throw new ClusterError("bad-request", "--min is not more than --max");
  }
  checkLeaving(options);
  if (options.dryRun) {
    const known = await placeOf(where, options).catch(exampleFor(options));
    const terms = termsOf(where, options, { ...known, token: "…" });
    process.stdout.write(`${schedulerOf(where, { terms, options, more }).script(options.max)}\n`);
    return;
  }
  const client = await openClient(options);
  const place = await placeOf(where, options);
  const issued = await client.createToken({
    ...{ role: "worker", owner: "scale", ttlMs: tokenTtlMs, usesMax: 0 },
  });
  const terms = termsOf(where, options, { ...place, token: issued.token });
  await scaleUntilAsked(client, schedulerOf(where, { terms, options, more }), options).finally(
    // Workers that joined stay as long as they run; nothing that comes later may join.
    () => client.revokeToken(issued.id).catch(() => {}),
  );
}

/** Without a coordinator there is still something to see. */
function exampleFor({ fingerprint = "", join = "https://host:7070" }: Options) {
  return (error: unknown): Pick<WorkerTerms, "fingerprint" | "url"> => {
    if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
    return { url: join, fingerprint };
  };
}

async function scaleUntilAsked(
  client: Client,
  scheduler: Scheduler,
  options: Options,
): Promise<void> {
  const { drain, every, json, max, min, slots } = options;
  const say = (kind: string, text: string, fields: object) =>
    console.log(json ? JSON.stringify({ kind, ...fields }) : text);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  say(
    "started",
    `${min} to ${plural(max, "worker")} of ${plural(slots, "slot")} each; Ctrl-C ends them`,
    {
      ...{ min, max, slots },
    },
  );
  const limits = { min, max, slots, withinMs: options.within, holdMs: options.hold };
  try {
    await adapt(client, scheduler, {
      ...{ limits, everyMs: every, signal: stopping.signal },
      stepped: (step) => say("step", stepText(step), step),
      failed: ({ code, text }) => say("problem", `${text}; trying again`, { code, text }),
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    say("stopping", "taking back all workers that were started", {});
    await scheduler.close(drain + 10_000);
  }
}

/** Where workers reach the coordinator. Throws `bad-request` when those elsewhere cannot. */
async function placeOf(
  where: Kind,
  options: Options,
): Promise<Pick<WorkerTerms, "fingerprint" | "url">> {
  const target = findTarget(options);
  const { fingerprint } = target;
  if (options.join !== undefined) return { url: options.join, fingerprint };
  if (where === "local" || target.dataDir === null) return { url: target.url, fingerprint };
  const { openUrl } = await (await openClient(options)).me();
  if (openUrl !== "") return { url: openUrl, fingerprint };
  const text = "this coordinator listens only on this machine, so that workers elsewhere cannot";
  const fix = "start it with `tequio up --listen 0.0.0.0:7070`, or give --join <url>";
  throw new ClusterError("bad-request", `${text} join; ${fix}`);
}

function termsOf(
  where: Kind,
  { drain, lifetime, program, slots }: Options,
  place: Pick<WorkerTerms, "fingerprint" | "token" | "url">,
): WorkerTerms {
  const own = [process.execPath, ...process.execArgv, process.argv[1] as string];
  const here = where === "local" ? own.map(quoted).join(" ") : "tequio";
  // What ends them starts them again, or nothing does.
  const more = ["--no-restart", "--give-up", "5m"];
  const drainS = Math.max(1, Math.ceil(drain / 1_000));
  const lifetimeS = lifetime === undefined ? null : Math.floor(lifetime / 1_000);
  return { ...place, program: program ?? here, slots, drainS, lifetimeS, more };
}

type For = {
  readonly terms: WorkerTerms;
  readonly options: Options;
  readonly more: readonly string[];
};

function schedulerOf(where: Kind, { more, options, terms }: For): Scheduler {
  const { hosts, image, json, max } = options;
  // The same for the same coordinator, so that what an earlier run has left is found.
  const name = `tequio-${createHash("sha256").update(terms.url).digest("hex").slice(0, 8)}`;
  const print = (text: string) =>
    json ? console.log(JSON.stringify({ kind: "ended", text })) : console.error(text);
  if (where === "local") return new AttachedWorkers(terms, [localPlace(max)], print);
  if (where === "slurm")
    return new SlurmWorkers(terms, { name, options: slurmOptions(more), print });
  if (where === "ssh") return new AttachedWorkers(terms, hostsOf(hosts, max, more), print);
  if (image === undefined) {
    throw new ClusterError("bad-request", "k8s needs --image: one whose entry point is `tequio`");
  }
  return new KubernetesWorkers(terms, { name, image, options: more });
}

/** `pc1,ana@pc2:4`: each with at most so many workers, or as many as there may be. */
function hostsOf(hosts: string | undefined, max: number, options: readonly string[]) {
  const named = (hosts ?? "").split(",").filter((host) => host !== "");
  if (named.length === 0) {
    throw new ClusterError("bad-request", "ssh needs --hosts, as --hosts pc1,ana@pc2:4");
  }
  return named.map((one) => {
    const [, host = one, count] = /^(.*?)(?::(\d{1,4}))?$/.exec(one) ?? [];
    return sshPlace(host, count === undefined ? max : Number(count), options);
  });
}
