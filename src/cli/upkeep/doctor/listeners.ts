/** Of what listens besides the coordinator: the user console, P4's port, browsers and gateways. */
import type { Listeners } from "../../../client/place.ts";
import { isLoopback } from "../../../link/listen.ts";
import { isOfThisMachine } from "../../cluster/up/libp2p-options.ts";
import type { RunningGateway } from "../../listeners.ts";
import { type Finding, good } from "./finding.ts";

const tunnel = "reach it by a tunnel, as ssh -L";

/** `isReached`: from other machines, the coordinator's own port is. */
export function listenerFindings(doors: Listeners, isReached: boolean): Finding[] {
  return [
    ...consoleFindings(doors),
    ...filesystemFindings(doors),
    ...p4Findings(doors),
    ...libp2pFindings(doors),
    ...browserFindings(doors, isReached),
  ];
}

function consoleFindings({ console: at }: Listeners): Finding[] {
  if (at === null) return [];
  const where = `${at.host}:${at.port}`;
  if (isLoopback(at.host)) {
    const what = `at ${where}: every user of this machine can act as any of its users`;
    const fix = "fine where all who use this machine trust each other; else drop --console-port";
    return [{ severity: "note", topic: "console", what, fix }];
  }
  const what = `at ${where}: no authentication; any host that reaches it can act as any user`;
  const fix = `drop --console-host and ${tunnel}, or let a firewall say who reaches it`;
  return [{ severity: "serious", topic: "console", what, fix }];
}

function filesystemFindings({
  filesystem = null,
  jobtracker = null,
  register = null,
}: Listeners): Finding[] {
  const open = [
    { topic: "file system", option: "--filesystem", at: filesystem, can: "read, write and remove" },
    { topic: "register", option: "--register", at: register, can: "register workers" },
    { topic: "jobtracker", option: "--jobtracker", at: jobtracker, can: "run Python on workers" },
  ];
  return open.flatMap(({ at, can, option, topic }): Finding[] => {
    if (at === null) return [];
    const where = `${at.host}:${at.port}`;
    if (isLoopback(at.host)) {
      const what = `at ${where}: every user of this machine can ${can}`;
      const fix = `fine where all who use this machine trust each other; else drop ${option}`;
      return [{ severity: "note", topic, what, fix }];
    }
    const what = `at ${where}: no authentication; any host that reaches it can ${can}`;
    const fix = `use ${option} 127.0.0.1:${at.port} and ${tunnel}, or let a firewall guard it`;
    return [{ severity: "serious", topic, what, fix }];
  });
}

function p4Findings({ p4: at }: Listeners): Finding[] {
  if (at === null) return [];
  const where = `${at.host}:${at.port}`;
  if (isLoopback(at.host)) return [good("P4 port", `${where}, for this machine only`)];
  const what = `at ${where}: plain HTTP, peers' tokens can be read on the way`;
  const fix = "use /p4 of the main port, which has TLS, or --p4-host 127.0.0.1 behind a TLS proxy";
  const findings: Finding[] = [{ severity: "serious", topic: "P4 port", what, fix }];
  if (at.trustAddresses) {
    const what = "--p4-trust-addresses: a peer can name another machine as the one that has a file";
    const fix = "drop it, or let only a proxy of yours reach the port";
    findings.push({ severity: "warning", topic: "P4 port", what, fix });
  }
  return findings;
}

function libp2pFindings({ libp2p: at = null }: Listeners): Finding[] {
  if (at === null) return [];
  const where = at.addresses.join(", ");
  if (!at.isOpen) return [good("libp2p", `${where}, for the peers of --libp2p-peers only`)];
  const isLocal = at.addresses.every(isOfThisMachine);
  const who = isLocal ? "every user of this machine" : "any peer";
  const what = `at ${where}: peers have no token, ${who} can be a worker that computes modules`;
  const fix = "name the peers with --libp2p-peers";
  return [{ severity: isLocal ? "note" : "serious", topic: "libp2p", what, fix }];
}

function browserFindings({ anonymousBrowsers }: Listeners, isReached: boolean): Finding[] {
  if (!anonymousBrowsers) return [];
  return [
    {
      severity: isReached ? "serious" : "note",
      topic: "browsers",
      what:
        "--anonymous-browsers: any browser can read and compute jobs that run with " +
        "--allow-basic-browsers",
      fix: "drop it when no such browser is used; our own tabs join by the link",
    },
  ];
}

export function gatewayFindings(gateways: readonly RunningGateway[]): Finding[] {
  return gateways.flatMap((door) => {
    const where = `${door.host}:${door.port}`;
    if (isLoopback(door.host)) return [good("gateway", `${where}, for this machine only`)];
    const findings = [...plainFindings(door, where), ...anonymousFindings(door, where)];
    return findings.length > 0 ? findings : [good("gateway", `${where} speaks TLS, by the link`)];
  });
}

function plainFindings({ plain }: RunningGateway, where: string): Finding[] {
  if (!plain) return [];
  const what = `${where} is plain HTTP: tokens of links and data can be read on the way`;
  const fix = "start it without --insecure, or on 127.0.0.1 behind a proxy that has a certificate";
  return [{ severity: "serious", topic: "gateway", what, fix }];
}

function anonymousFindings({ anonymous, tracker }: RunningGateway, where: string): Finding[] {
  if (!anonymous) return [];
  const who =
    tracker === null
      ? "any peer can act as its JobTracker and use its browsers"
      : "browsers without a token can join";
  const what = `${where} has --anonymous: ${who}`;
  const fix = "name --tracker or --tracker-token-file instead of --anonymous";
  return [{ severity: tracker === null ? "serious" : "warning", topic: "gateway", what, fix }];
}
