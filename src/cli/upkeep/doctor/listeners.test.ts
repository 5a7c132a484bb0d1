/** What the doctor says of doors, open and shut. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Listeners } from "../../../client/place.ts";
import type { RunningGateway } from "../../listeners.ts";
import type { Finding } from "./finding.ts";
import { gatewayFindings, listenerFindings } from "./listeners.ts";

const none: Listeners = { console: null, p4: null, anonymousBrowsers: false };
const everywhere = { host: "0.0.0.0", port: 9 };
const here = { host: "127.0.0.1", port: 9 };
const gateway: RunningGateway = {
  ...here,
  plain: true,
  anonymous: true,
  tracker: null,
  pid: 2,
  start: "",
};

function told(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, topic }) => `${severity} ${topic}`);
}

test("what listens on this machine only is not serious", () => {
  assert.deepEqual(told(listenerFindings(none, true)), []);
  const p4 = { ...here, trustAddresses: true };
  const filesystem = { filesystem: here, register: here, jobtracker: here };
  const libp2p = { addresses: ["/ip4/127.0.0.1/tcp/9/p2p/12D3"], isOpen: true };
  const doors = { console: here, ...filesystem, p4, libp2p, anonymousBrowsers: true };
  assert.deepEqual(told(listenerFindings(doors, false)), [
    "note console",
    "note file system",
    "note register",
    "note jobtracker",
    "good P4 port",
    "note libp2p",
    "note browsers",
  ]);
  assert.deepEqual(told(gatewayFindings([gateway])), ["good gateway"]);
});

test("what others reach without showing a secret, or in plain text, is serious", () => {
  const p4 = { ...everywhere, trustAddresses: true };
  const filesystem = { filesystem: everywhere, register: everywhere, jobtracker: everywhere };
  const libp2p = { addresses: ["/ip4/0.0.0.0/tcp/9/p2p/12D3"], isOpen: true };
  const doors = { console: everywhere, ...filesystem, p4, libp2p, anonymousBrowsers: true };
  const findings = listenerFindings(doors, true);
  assert.deepEqual(told(findings), [
    "serious console",
    "serious file system",
    "serious register",
    "serious jobtracker",
    "serious P4 port",
    "warning P4 port",
    "serious libp2p",
    "serious browsers",
  ]);
  const open = { ...gateway, ...everywhere };
  const cases: ReadonlyArray<readonly [RunningGateway, readonly string[]]> = [
    [open, ["serious gateway", "serious gateway"]],
    [{ ...open, plain: false }, ["serious gateway"]],
    [{ ...open, plain: false, tracker: "https://c" }, ["warning gateway"]],
    [{ ...open, plain: false, anonymous: false }, ["good gateway"]],
  ];
  for (const [door, expected] of cases) assert.deepEqual(told(gatewayFindings([door])), expected);
});

test("every finding that is not good names a fix", () => {
  const p4 = { ...everywhere, trustAddresses: true };
  const findings = [
    ...listenerFindings({ console: everywhere, p4, anonymousBrowsers: true }, true),
    ...gatewayFindings([{ ...gateway, ...everywhere }]),
  ];
  assert.ok(findings.every(({ fix, what }) => fix.length > 10 && what.length > 10));
});
