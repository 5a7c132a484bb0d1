/** Tests of sentences of the MapReduce paper: J. Dean and S. Ghemawat, MapReduce: Simplified Data
 *  Processing on Large Clusters, OSDI 2004. */
import { type TestContext, test } from "node:test";

type Run = (t: TestContext) => void | Promise<void>;

/** The product does what the sentence says. */
export function says(section: string, sentence: string, run: Run): void {
  test(`${section}: "${sentence}"`, run);
}

/** It deliberately does otherwise: `instead` is what the test shows. */
export function deviates(section: string, sentence: string, instead: string, run: Run): void {
  test(`${section}: "${sentence}" Here instead: ${instead}`, run);
}
