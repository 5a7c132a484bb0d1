/** The options of `tequio run`, and what they say of the job's plan and name. */
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import type { Priority, PythonEngine, Shuffle, Trust } from "../../core/job.ts";
import type { Listen } from "../../link/listen.ts";
import type { BuiltJob } from "../../sdk/bundle.ts";
import { nameOf } from "../../sdk/plan/name.ts";
import type { TrustTerms } from "../../sdk/plan/spec.ts";
import type { ResultOptions } from "../result/finish.ts";

export type RunOptions = TargetOptions &
  ResultOptions & {
    readonly name?: string;
    readonly param?: Readonly<Record<string, string>>;
    readonly reducers?: number;
    readonly splitBytes?: number;
    readonly key?: string;
    readonly allowBasicBrowsers?: boolean;
    readonly engine?: PythonEngine;
    /** Folder of packages for a job in Python. */
    readonly wheels?: string;
    readonly priority?: Priority;
    readonly shuffle?: Shuffle;
    readonly share?: string;
    readonly trust?: Trust;
    readonly quorum?: string;
    /** Of one item of a module, ms. */
    readonly timeout?: number;
    readonly watch?: boolean;
    readonly detach?: boolean;
    readonly keepGoing?: boolean;
    readonly local?: boolean;
    readonly sequential?: boolean;
    readonly workers?: number;
    /** Of an existing system of the filesystem protocol. */
    readonly filesystem?: Listen;
    readonly jobtracker?: Listen;
    /** Of all tasks at once, bytes. */
    readonly memory?: number;
  };

/** What the command line says of the plan, for the cluster and the judge alike. */
export function planOptions(
  kind: BuiltJob["job"]["kind"],
  inputs: readonly string[],
  options: RunOptions,
) {
  const { param = {}, reducers, splitBytes } = options;
  if (kind === "tasks" && (reducers !== undefined || splitBytes !== undefined)) {
    const which = reducers === undefined ? "--split-bytes" : "--reducers";
    const text = `a list of tasks reads no input and has no reduce tasks; leave ${which} out`;
    throw new ClusterError("bad-request", text);
  }
  return {
    inputs,
    params: param,
    stdin: process.stdin,
    ...(reducers === undefined ? {} : { reducers }),
    ...(splitBytes === undefined ? {} : { splitBytes }),
  };
}

/** Who may compute the job: the command line's word, else the job's own. */
export function trustOptions(
  { quorum, share, trust }: Pick<RunOptions, "quorum" | "share" | "trust">,
  job: TrustTerms = {},
): TrustTerms {
  if (share !== undefined && share !== "volunteers") {
    throw new ClusterError("bad-request", "--share takes the word volunteers");
  }
  // On the command line it takes back what the job allows.
  if (trust === "own" && share === undefined) return {};
  const named = share === undefined ? job.share : "volunteers";
  const how = trust ?? job.trust;
  return {
    ...(named === undefined ? {} : { share: named }),
    ...(how === undefined ? {} : { trust: how }),
    ...(quorum === undefined ? {} : { quorum: quorumOf(quorum) }),
  };
}

function quorumOf(text: string): { agree: number; of: number } {
  const [, agree, of] = /^(\d)\/(\d{1,2})$/.exec(text) ?? [];
  if (agree !== undefined) return { agree: Number(agree), of: Number(of) };
  throw new ClusterError("bad-request", "--quorum is two numbers, such as 2/3");
}

/** `--name`, or the job's own. */
export function jobName(built: BuiltJob, options: RunOptions): string {
  return options.name ?? nameOf(built);
}
