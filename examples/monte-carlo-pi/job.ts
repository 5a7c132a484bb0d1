/** Estimates pi by throwing darts: a plain list of tasks, each with its own seed. */
import { tasks } from "tequio";

/** Mulberry32: the same numbers for the same seed on every machine, as `Math.random` would not
 *  be. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export default tasks({
  name: "monte carlo pi",
  params: { seeds: 20, darts: 20_000 },
  items: ({ seeds }) => Array.from({ length: seeds }, (_, seed) => seed),
  run(seed, { params }) {
    const random = generator(seed);
    let inside = 0;
    for (let i = 0; i < params.darts; i++) {
      const x = random();
      const y = random();
      if (x * x + y * y < 1) inside++;
    }
    return { seed, pi: (4 * inside) / params.darts };
  },
});
