/** The line of a gateway that shows who is connected, while it is on a terminal. */
import type { Gateway } from "../../../gateway/gateway.ts";
import { plural } from "../../numbers.ts";
import type { Screen } from "../../screen.ts";
import { cut } from "../../text.ts";

const everyMs = 1_000;

/** Draws until what it returns is called. */
export function showTabs(
  gateway: Pick<Gateway, "tabCount" | "hasTracker">,
  screen: Screen,
): () => void {
  if (!screen.live) return () => {};
  const draw = () => screen.draw([cut(gatewayLine(gateway), screen.width())]);
  draw();
  const timer = setInterval(draw, everyMs);
  return () => {
    clearInterval(timer);
    screen.end();
  };
}

export function gatewayLine({
  hasTracker,
  tabCount,
}: Pick<Gateway, "tabCount" | "hasTracker">): string {
  return `${plural(tabCount, "browser")} connected; ${hasTracker ? "tracker there" : "no tracker"}`;
}
