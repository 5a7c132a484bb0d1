/** Bugs of tabs, basic browsers, and gateways. */
import { type Mutant, planted } from "../mutant.ts";

export const browserMutants: readonly Mutant[] = [
  planted(
    "a tab's finish is acknowledged before it is durable",
    "#end",
    "await $loop.post(await $checked);",
    "$loop.post(await $checked).catch(() => {});",
  ),
  planted("outputs of a tab go with the tab", "keeperOf", "$mayServe ? RELAY : $worker", "$worker"),
  planted(
    "a gateway does not report that a tab is gone",
    "#lose",
    'this.#toTracker({ action: "disconnect", uid: $uid });',
    "",
  ),
  planted(
    "a tracker that comes back is informed of a busy browser (bug 14 of the track record)",
    "#becomeTracker",
    "$tab.more === null && isBusy($tab)",
    "$tab.more === null && $tab.tasks.size < 0",
  ),
  planted(
    "a tab that cannot be taken now gives up (bug 12 of the track record)",
    "#turnedAway",
    "isRetryable($why)",
    '$why === ""',
  ),
  planted(
    "a partition that a browser of the document cannot have is its own fault (bug 17)",
    "failed",
    "$run.missed.size === 0",
    "$run.missed.size >= 0",
  ),
  {
    ...planted(
      "a gateway that is silent is never given up",
      "#checkSilent",
      "$nowMs - $heardAtMs < this.#gatewayTtlMs",
      "$nowMs - $heardAtMs < this.#gatewayTtlMs * 1e9",
    ),
    nearest: "a gateway whose machine lost its power is pinged, and given up when it is silent",
  },
];
