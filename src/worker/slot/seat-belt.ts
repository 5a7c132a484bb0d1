/** Loaded before the task process itself: takes from job code what Node's permission model leaves
 *  open.
 *
 *  Signals to other processes, sockets (also those that are files, which no network namespace
 *  hides) and the database module, which reads and writes files without asking the permission
 *  model. A seat belt against mistakes and simple malice; walls are what `sandbox-node.ts` builds
 *  where the host can. */
import dgram from "node:dgram";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import os from "node:os";

const network = "use the network; give what it reads to the job as inputs";

function forbid(from: object, name: string, what: string): void {
  const refuse = () => {
    throw Object.assign(new Error(`job code may not ${what}`), { code: "ERR_ACCESS_DENIED" });
  };
  Object.defineProperty(from, name, { value: refuse, writable: false, configurable: false });
}

for (const name of ["kill", "_kill", "_debugProcess", "_debugEnd", "execve"]) {
  forbid(process, name, "signal or start processes");
}
for (const name of ["setuid", "setgid", "seteuid", "setegid", "setgroups", "initgroups"]) {
  forbid(process, name, "change users");
}
forbid(os, "setPriority", "change priorities");
forbid(net.Socket.prototype, "connect", network);
forbid(net.Server.prototype, "listen", network);
for (const name of ["bind", "connect", "send"]) forbid(dgram.Socket.prototype, name, network);
syncBuiltinESMExports();
// Launchers set some; with each of them, job code sees the same environment.
const given = ["PATH", "LANG", "TZ"];
for (const name of Object.keys(process.env)) if (!given.includes(name)) delete process.env[name];
