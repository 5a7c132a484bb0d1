/** CSV: each city once. */
import { text } from "../../../src/index.ts";

export default text.csv(["city"]).distinct();
