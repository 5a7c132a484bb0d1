/** A coordinator with default options, in a process of its own: `node coordinator.ts <directory>
 *  <host:port>`. Prints `up <JSON>`. */
import { openCoordinator } from "../../src/coordinator/coordinator.ts";

const [dataDir = "", listen = ""] = process.argv.slice(2);
const coordinator = await openCoordinator({ dataDir, listen, version: "test" });
process.once("SIGTERM", () => void coordinator.close());
const { url, adminToken } = coordinator;
const join = await coordinator.joinToken({ ttlMs: 0, usesMax: 0 });
const { user, system } = process.cpuUsage();
const cpuMs = (user + system) / 1000;
console.log(`up ${JSON.stringify({ url, adminToken, join, cpuMs })}`);
