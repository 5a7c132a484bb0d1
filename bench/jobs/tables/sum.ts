/** CSV: the sum of prices by city. */
import { text } from "../../../src/index.ts";

export default text.csv(["city", "price"]).by("city").sum("price");
