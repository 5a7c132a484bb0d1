/** Time for durations of the product's own, in realms whose clock may be frozen for job code.
 *  Before any job code runs, so that it is the engine's. */
export const steadyMs: () => number = performance.now.bind(performance);
