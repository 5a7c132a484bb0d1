/** Which master the options mean: the coordinator as for all commands, or a P4 master by itself. */
import { randomBytes } from "node:crypto";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import {
  type Environment,
  findTarget,
  readSecret,
  type TargetOptions,
} from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { Followed } from "../../link/http/followed.ts";
import { type MasterAddress, MasterCalls } from "../../peer/master/call.ts";
import { Membership } from "../../peer/master/membership.ts";
import { Catalogue } from "../../peer/master/sources.ts";
import { withTarget } from "../options.ts";

/** How long one of several coordinators is waited for until it leads, in ms. */
const leaderMs = 10_000;

export type MasterOptions = TargetOptions & {
  readonly p4?: string;
  readonly p4TokenFile?: string;
};

export function withMaster(command: Command): Command {
  return withTarget(command)
    .option("--p4 <url>", "use this P4 master instead of a coordinator, such as http://host:8000")
    .option("--p4-token-file <file>", "file with the token for registering at that master");
}

/** `$XDG_STATE_HOME/tequio`, else `~/.local/state/tequio`: hashes, locks, tokens of peers. */
export function stateDirOf(env: Environment = process.env): string {
  const shared = env.XDG_STATE_HOME;
  return join(shared?.startsWith("/") ? shared : join(homedir(), ".local", "state"), "tequio");
}

export type Master = MasterAddress & {
  /** What lets a peer register. */
  readonly genericToken: string;
};

export async function findMaster(options: MasterOptions): Promise<Master> {
  if (options.p4 === undefined) {
    const { token, ...target } = findTarget(options);
    const followed = new Followed(target);
    const { coordinators } = followed;
    if (coordinators.areSeveral) await coordinators.findWithin(leaderMs);
    const find = async (isAway: boolean) => {
      const isOther = followed.hasMoved();
      const now = followed.coordinators;
      if ((isOther || isAway) && (await now.findWithin(leaderMs)) === null) return null;
      return { url: `${now.url}/p4`, fingerprint: followed.fingerprint };
    };
    const known = { fingerprint: target.fingerprint, bearer: token, genericToken: token };
    return { url: `${coordinators.url}/p4`, find, ...known };
  }
  const url = URL.parse(options.p4);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ClusterError(
      "bad-request",
      `--p4 ${options.p4} is not an address such as http://host:8000`,
    );
  }
  if (options.p4TokenFile === undefined) {
    throw new ClusterError("bad-request", "--p4 needs --p4-token-file: peers register with it");
  }
  return {
    url: options.p4.replace(/\/+$/, ""),
    fingerprint: options.fingerprint ?? "",
    bearer: null,
    genericToken: readSecret(options.p4TokenFile),
  };
}

export type OpenCatalogue = {
  readonly catalogue: Catalogue;
  readonly calls: MasterCalls;
  close(): Promise<void>;
};

/** To look and fetch. A P4 master of its own knows peers only, so one registers for the while. */
export async function openCatalogue(options: MasterOptions): Promise<OpenCatalogue> {
  const master = await findMaster(options);
  const calls = new MasterCalls(master);
  if (master.bearer !== null) {
    return { catalogue: new Catalogue(calls), calls, close: async () => {} };
  }
  let token = "";
  const membership = await Membership.join({
    calls,
    clientId: `${hostname()}-${randomBytes(4).toString("hex")}`,
    // It serves nothing; the port must only be one.
    address: { host: "127.0.0.1", port: 9 },
    fingerprint: "",
    genericToken: master.genericToken,
    ttlMs: 60_000,
    tokenBefore: "",
    onToken: (given) => {
      token = given;
    },
    onNews: () => {},
  });
  const close = () => membership.leave().catch(() => {});
  return { catalogue: new Catalogue(calls, token), calls, close };
}
