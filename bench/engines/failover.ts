/** How long a cluster does not answer after its leader is killed. */
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { answered } from "../../test/engines/faults.ts";
import { type Node, Pair } from "../../test/engines/nodes.ts";
import { Cluster } from "../../test/fixtures/cluster.ts";

/** Two coordinators on the log at this address, with the lease that is the default: the one that
 *  leads is killed, and one that answers is waited for. Times, ms. */
export async function failoverMs(log: string, count: number): Promise<number[]> {
  const dir = newFolder("failover-");
  const pair = await Pair.of({ log, dir, leaseMs: 3_000 });
  const times: number[] = [];
  try {
    const nodes: [Node, Node] = [pair.start(0), pair.start(1)];
    await nodes[0].leads();
    await nodes[1].standsBy();
    const client = pair.client();
    await answered(client);
    for (let done = 0; done < count; done += 1) {
      const leading = nodes[0].state === "leading" ? 0 : 1;
      const startedMs = performance.now();
      await nodes[leading].end();
      await answered(client);
      times.push(performance.now() - startedMs);
      nodes[leading] = pair.start(leading);
      await nodes[leading].standsBy();
      await nodes[1 - leading]!.leads();
    }
    return times;
  } finally {
    await pair.end();
    removeFolder(dir);
  }
}

/** The only coordinator is killed and started again at once, with its log on this disk. */
export async function restartMs(count: number): Promise<number[]> {
  const cluster = new Cluster({ workers: 0 });
  const times: number[] = [];
  try {
    await cluster.start();
    for (let done = 0; done < count; done += 1) {
      const client = cluster.client();
      const startedMs = performance.now();
      await cluster.killCoordinator();
      await cluster.start();
      await answered(client);
      times.push(performance.now() - startedMs);
      client.close();
    }
    return times;
  } finally {
    await cluster.stop();
  }
}
