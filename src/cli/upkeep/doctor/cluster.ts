/** Of the coordinator that runs on the data directory: how it can be reached, and with which
 *  tokens. */

import { packageVersion } from "../../../client/package-version.ts";
import { readEndpoint } from "../../../client/place.ts";
import { isOfWorker } from "../../../core/access/roles.ts";
import { ClusterError } from "../../../core/error.ts";
import type { WorkerSummary } from "../../../core/summary.ts";
import { narrowFix, unreachedFix } from "../../../core/why/reasons.ts";
import { isLoopback } from "../../../link/listen.ts";
import type { TokenView } from "../../../wire/api/messages.ts";
import { openClient } from "../../connection.ts";
import { runningGateways } from "../../listeners.ts";
import { bytesText, plural } from "../../numbers.ts";
import { oneLine } from "../../text.ts";
import { type Finding, good } from "./finding.ts";
import { gatewayFindings, listenerFindings } from "./listeners.ts";

const adminsMax = 3;

export async function clusterFindings(dir: string): Promise<Finding[]> {
  const endpoint = readEndpoint(dir);
  const gateways = gatewayFindings(runningGateways(dir));
  if (endpoint === null) return [good("coordinator", "none runs here"), ...gateways];
  const listen = endpoint.listen ?? endpoint.url;
  const findings = [reach(listen), ...gateways];
  if (endpoint.doors !== undefined) {
    const isOpen = !isLoopback(hostOf(listen));
    for (const finding of listenerFindings(endpoint.doors, isOpen)) findings.push(finding);
  }
  if (endpoint.version !== packageVersion()) {
    const what = `the coordinator is of version ${endpoint.version}, this is ${packageVersion()}`;
    findings.push({
      severity: "note",
      topic: "version",
      what,
      fix: "`tequio down`, then `tequio up`",
    });
  }
  try {
    const client = await openClient({ data: dir }, 0);
    for (const finding of tokenFindings(await client.tokens())) findings.push(finding);
    for (const finding of workerFindings(await client.workers())) findings.push(finding);
    client.close();
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    const fix = "`tequio up` starts it again; nothing that was acknowledged is lost";
    findings.push({ severity: "warning", topic: "coordinator", what: error.text, fix });
  }
  return findings;
}

export function reach(url: string): Finding {
  const { protocol } = new URL(url);
  if (isLoopback(hostOf(url))) {
    return good("network", `${url} can be reached from this machine only`);
  }
  if (protocol === "https:") return good("network", `${url} speaks TLS, workers pin its key`);
  return {
    severity: "serious",
    topic: "network",
    what: `${url} is open to the network without TLS: tokens and data can be read on the way`,
    fix: "start `tequio up` without --insecure, or put a tunnel in front and listen on 127.0.0.1",
  };
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, "");
}

/** What went wrong on the way to workers in the last minutes. */
export function workerFindings(workers: readonly WorkerSummary[]): Finding[] {
  const common = { severity: "warning", topic: "network" } as const;
  return workers.flatMap(({ name, narrow, unreached, worker }): Finding[] => {
    const who = `${worker} (${oneLine(name)})`;
    const findings: Finding[] = [];
    if (narrow !== undefined) {
      const what = `large messages between ${who} and the coordinator are lost`;
      findings.push({ ...common, what, fix: narrowFix });
    }
    if (unreached !== undefined) {
      const { count, relayedBytes } = unreached;
      const sent = `${bytesText(relayedBytes)} went by the coordinator`;
      const what = `${who} cannot be reached by ${plural(count, "worker")}: ${sent}`;
      findings.push({ ...common, what, fix: unreachedFix });
    }
    return findings;
  });
}

/** The credentials that workers got for themselves (w-1 …) never expire, and go one by one. */
export function tokenFindings(all: readonly TokenView[]): Finding[] {
  const live = all.filter(({ id, revoked }) => !revoked && !/^w-[0-9]+$/.test(id));
  const ids = (found: readonly TokenView[]) => found.map(({ id }) => id).join(" ");
  const findings: Finding[] = [];
  const open = live.filter(
    ({ role, expiresAtMs, usesMax }) => isOfWorker(role) && expiresAtMs === 0 && usesMax === 0,
  );
  if (open.length > 0) {
    const what = `${plural(open.length, "join token")} (${ids(open)}) admit any holder for ever`;
    const fix = "revoke them with `tequio token revoke`; make new ones with --ttl and --uses";
    findings.push({ severity: "warning", topic: "tokens", what, fix });
  }
  const admins = live.filter(({ role, expiresAtMs }) => role === "admin" && expiresAtMs === 0);
  if (admins.length > adminsMax) {
    const what = `${plural(admins.length, "admin token")} (${ids(admins)}) never expire`;
    const fix = "revoke those that are not used any more with `tequio token revoke`";
    findings.push({ severity: "warning", topic: "tokens", what, fix });
  }
  return findings.length > 0
    ? findings
    : [good("tokens", `${plural(live.length, "token")}, bounded`)];
}
