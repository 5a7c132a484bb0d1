/** Options of `tequio run` that would have no effect in one of its modes: refused, with what to do
 *  instead. */
import { ClusterError } from "../../core/error.ts";
import { flagOf } from "../options.ts";
import { refuseOverwriteAlone } from "../result/finish.ts";
import type { RunOptions } from "./plan-options.ts";

type Mode = "detach" | "local" | "sequential";
type Reasons = { readonly [name in keyof RunOptions]?: string };

const later = "the result stays with the coordinator; save it when the job has ended: ";
const get = `${later}\`tequio get j-N -o DIR\``;
const noCluster = "no coordinator is needed; leave one of them out";
const onlyJob = "there is no other job that it could be compared with";
/** Of the modes that need no coordinator. */
const alone: Reasons = {
  url: noCluster,
  data: noCluster,
  token: noCluster,
  tokenFile: noCluster,
  fingerprint: noCluster,
  key: "the job is not kept, so that no key can name it",
  priority: onlyJob,
  shuffle: "its workers are in this process, and it has no object store",
  share: "no volunteer can join",
  trust: "no volunteer can join",
  quorum: "no volunteer can join",
  allowBasicBrowsers: "no browser can join",
  engine: "the python3 of this machine runs it",
  detach: "the job ends with this command",
};

const ignored: Readonly<Record<Mode, Reasons>> = {
  detach: {
    output: get,
    merge: `${later}\`tequio get j-N --merge FILE\``,
    overwrite: get,
    watch: "nothing is followed; follow the job later: `tequio attach j-N --watch`",
  },
  local: { ...alone, sequential: "they are two ways to run without a coordinator" },
  sequential: {
    ...alone,
    timeout: "items run in this process, which cannot end them",
    keepGoing: "it ends at the first error, which it shows",
  },
};

const theirs = "an existing system of the filesystem protocol does as it does; leave it out";
const notOurs = "the job runs on no coordinator of ours; leave one of them out";
/** Of a job on an existing system. */
const elsewhere: Reasons = {
  url: notOurs,
  data: notOurs,
  token: notOurs,
  tokenFile: notOurs,
  fingerprint: notOurs,
  detach: "the client waits for the result",
  local: notOurs,
  sequential: notOurs,
  param: theirs,
  reducers: theirs,
  splitBytes: theirs,
  key: theirs,
  priority: theirs,
  shuffle: theirs,
  share: theirs,
  trust: theirs,
  quorum: theirs,
  timeout: theirs,
  allowBasicBrowsers: theirs,
  engine: theirs,
  wheels: theirs,
  watch: theirs,
  keepGoing: theirs,
};

/** Throws `bad-request` that names both options. */
export function refuseIgnored(options: RunOptions): void {
  const modes = (Object.keys(ignored) as Mode[]).filter((mode) => options[mode] === true);
  // Where the job ends with the command says more than what detaching would mean.
  for (const mode of modes.sort((a, b) => Number(a === "detach") - Number(b === "detach"))) {
    for (const [name, reason] of Object.entries(ignored[mode])) {
      if (options[name as keyof RunOptions] === undefined) continue;
      throw new ClusterError(
        "bad-request",
        `${flagOf(mode)} and ${flagOf(name)} cannot be combined: ${reason}`,
      );
    }
  }
  const place = (["filesystem", "jobtracker"] as const).find((name) => options[name]);
  for (const [name, reason] of place === undefined ? [] : Object.entries(elsewhere)) {
    if (options[name as keyof RunOptions] === undefined) continue;
    const text = `${flagOf(place as string)} and ${flagOf(name)} cannot be combined: ${reason}`;
    throw new ClusterError("bad-request", text);
  }
  if (options.workers !== undefined && !options.local) {
    throw new ClusterError("bad-request", "--workers is for --local; see `tequio up --workers`");
  }
  if (options.memory !== undefined && !options.local) {
    throw new ClusterError("bad-request", "--memory is for --local; see `tequio up --memory`");
  }
  refuseOverwriteAlone(options);
}
