/** How a coordinator that follows a log becomes the one that writes it. */
import type { LeaseKeeper } from "../../engine/lease-keeper.ts";
import type { Log } from "../../store/log/log.ts";
import type { Follower, Histories, Warm } from "./follower.ts";

export type TakingOver<H extends Histories> = {
  readonly keeper: Pick<LeaseKeeper, "leading">;
  readonly follower: Pick<Follower<H>, "finish">;
  /** Fences the writer before. */
  readonly openLog: () => Promise<Log>;
};

/** Resolves when this coordinator leads and has all that the log has. What it followed may have
 *  been behind; only what the log's new writer reads is all. */
export async function takeOver<H extends Histories>(
  { follower, keeper, openLog }: TakingOver<H>,
  onLog: (log: Log) => void,
): Promise<{ readonly log: Log; readonly warm: Warm<H> }> {
  await keeper.leading;
  const log = await openLog();
  onLog(log);
  return { log, warm: await follower.finish(log) };
}
