/** A coordinator that was replaced stands by again, and waits for an engine that is away. */
import { wasReplaced } from "../../../coordinator/loop/refusal.ts";
import type { ClusterError } from "../../../core/error.ts";
import { isLost } from "../../../engine/connection-lost.ts";

export type StandAgainOptions = {
  /** Leads or stands by, until it was replaced or cannot go on; calls `hasBegun` once it wants to
   *  lead: before, `fenced` means that its directory is in use. */
  readonly once: (hasBegun: () => void) => Promise<void>;
  readonly isStandby: boolean;
  /** False: a signal ended the process meanwhile. */
  readonly pause: (delayMs: number) => Promise<boolean>;
  readonly print: (text: string) => void;
};

/** Before standing by again, and between two tries while the engine is away, ms. */
const replacedMs = 250;
const awayMs = 500;

/** Throws what ends the process: each error without `--standby`, and those that another try does
 *  not change. */
export async function standAgain(options: StandAgainOptions): Promise<void> {
  const { isStandby, once, pause, print } = options;
  let hasBegun = false;
  let printed = "";
  const begin = () => {
    hasBegun = true;
    printed = "";
  };
  for (;;) {
    try {
      return await once(begin);
    } catch (error) {
      const { code, text = String(error) } = error as Partial<ClusterError>;
      const isReplaced = hasBegun && wasReplaced(error);
      const isAway = wasLost(error) || (code === "unavailable" && hasBegun);
      if (!isStandby || !(isReplaced || isAway)) throw error;
      const news = isReplaced ? text : `${text}; trying again until it is back`;
      if (news !== printed) print(news);
      printed = news;
      if (!(await pause(isReplaced ? replacedMs : awayMs))) return;
    }
  }
}

/** The connection to the engine; a leader that waited for it too long has an error of its log. */
function wasLost(error: unknown): boolean {
  return isLost(error) || isLost((error as Error).cause);
}
