/** Many tasks that each keep a core busy for 15 to 40 ms. */
import { tasks } from "../../src/index.ts";

export default tasks({
  name: "sweep",
  // What it waits for must come.
  clock: "real",
  params: { count: 5_000 },
  items: ({ count }) => Array.from({ length: count }, (_, index) => index),
  run(item: number) {
    const untilMs = performance.now() + 15 + ((item * 7919) % 26);
    while (performance.now() < untilMs);
    return item;
  },
});
