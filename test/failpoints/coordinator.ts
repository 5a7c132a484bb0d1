/** A coordinator in a process of its own: `node coordinator.ts <directory> <host:port>
 *  [filesystem]`, the last also with a file system at a free port. Prints `up <JSON>`; ends at
 *  SIGTERM, or with its failure. Leases of a second, so that what dies is soon missed; a snapshot
 *  after few records, so that each life takes some. */
import { openCoordinator } from "../../src/coordinator/coordinator.ts";

const [dataDir = "", listen = "", filesystem] = process.argv.slice(2);
const fail = (error: unknown) => {
  console.error(error);
  process.exit(1);
};

try {
  const coordinator = await openCoordinator({
    dataDir,
    listen,
    version: "test",
    liveness: { leaseMs: 1_500, heartbeatMs: 300, closedGraceMs: 200, tickMs: 50 },
    snapshotRecords: 20,
    ...(filesystem === undefined ? {} : { filesystem: { port: 0 } }),
    onFatal: fail,
  });
  process.once("SIGTERM", () => void coordinator.close());
  const { url, adminToken } = coordinator;
  const join = await coordinator.joinToken({ ttlMs: 0, usesMax: 0 });
  console.log(
    `up ${JSON.stringify({ url, adminToken, join, files: coordinator.filesystem?.port })}`,
  );
} catch (error) {
  fail(error);
}
