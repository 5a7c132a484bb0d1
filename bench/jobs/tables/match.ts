/** A log: the sum of times by status, both found by an expression. */
import { text } from "../../../src/index.ts";

export default text
  .match(/^\S+ \S+ \S+ (\d+) (\d+)ms/, ["status", "ms"])
  .by("status")
  .sum("ms");
