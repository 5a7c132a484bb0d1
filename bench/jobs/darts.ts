/** Numeric work: darts at a circle, with whole numbers and doubles, and no memory. */
import { tasks } from "tequio";

export default tasks({
  name: "darts",
  params: { count: 100, darts: 1_000_000 },
  items: ({ count }) => Array.from({ length: count }, (_, seed) => seed),
  run(seed, { params }) {
    let state = seed;
    const random = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    let inside = 0;
    for (let i = 0; i < params.darts; i++) {
      const x = random();
      const y = random();
      if (x * x + y * y < 1) inside++;
    }
    return inside;
  },
});
