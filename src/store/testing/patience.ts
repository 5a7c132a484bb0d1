/** How long tests wait for what must happen. Machines of CI were seen six times slower than usual:
 *  these limits end only what hangs, and nothing is measured by them. */

/** For one thing that is waited for, ms. */
export const waitMaxMs = 300_000;
/** For one test that has a limit of its own, ms. */
export const testMaxMs = 900_000;
