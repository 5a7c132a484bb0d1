import { text } from "../../../src/index.ts";

export default text
  .match(/^\S+ \S+ \S+ (\d+) (\d+)ms/, ["status", "ms"])
  .by("status")
  .sum("ms");
