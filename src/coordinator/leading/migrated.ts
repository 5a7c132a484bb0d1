/** The mark of an engine whose cluster was moved elsewhere: no coordinator goes on there, since it
 *  would do so from an older state. */
import { ClusterError } from "../../core/error.ts";
import type { Engine } from "../../engine/engine.ts";

const markName = "migrated.txt";

/** `to`: address of the new log; undefined = a data directory. */
export async function markMigrated(engine: Engine, to: string | undefined): Promise<void> {
  await engine.keep(markName, to ?? "a data directory", { replaces: true });
}

/** Throws `conflict`. */
export async function mustNotBeMigrated(engine: Engine): Promise<void> {
  const to = await engine.kept(markName);
  if (to === null) return;
  const text = `the cluster of ${engine.name} was moved to ${to}: start its coordinators there`;
  throw new ClusterError("conflict", text);
}
