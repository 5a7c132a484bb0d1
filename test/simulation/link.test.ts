/** The simulated links against the suites of all links: what the simulation shows of links holds
 *  only if they behave as the real ones do. */
import { SimClock } from "../../sim/world/clock.ts";
import { SimNetwork } from "../../sim/world/network.ts";
import { SimProcess } from "../../sim/world/process.ts";
import type { SimLink } from "../../sim/world/sim-link.ts";
import { SimTextLink } from "../../sim/world/text-link.ts";
import { Random } from "../../src/core/random.ts";
import { linkConformance, textLinkConformance } from "../conformance/register.ts";

/** A connected pair, whose clock runs until it is closed. */
async function connected() {
  const clock = new SimClock();
  const network = new SimNetwork({ random: new Random(1), delayMs: 1, count() {} });
  const server = new SimProcess("server", clock);
  const accepted = Promise.withResolvers<SimLink>();
  network.listen("server", {
    process: server,
    accept: (link) => accepted.resolve(link as SimLink),
  });
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      await clock.run(clock.nowMs + 10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const dialled = await network.dial(new SimProcess("client", clock), "server", "");
  const close = async () => {
    isOver = true;
    await running;
  };
  return { ends: [dialled, await accepted.promise] as const, close };
}

linkConformance("simulated network", connected, {
  skip: [
    {
      reason: "the simulation sends no frame that is too large, and no long reason",
      tests: [
        "closes both sides when a frame is larger than the limit, not before",
        "cuts a reason of more than 120 bytes at a whole character",
      ],
    },
  ],
});

textLinkConformance("simulated network", async () => {
  const { close, ends } = await connected();
  return { ends: [new SimTextLink(ends[0]), new SimTextLink(ends[1])], close };
});
