/** NDJSON: the sum of prices by city. */
import { text } from "../../../src/index.ts";

export default text.json(["city", "price"]).by("city").sum("price");
