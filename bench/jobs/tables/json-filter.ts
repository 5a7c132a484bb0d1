/** NDJSON: what sales of more than one piece come to, by city. */
import { count, sum, text } from "../../../src/index.ts";

export default text
  .json(["city", "price", "quantity"])
  .where((row) => row.quantity.gt(1))
  .select({ city: true, revenue: (row) => row.price.mul(row.quantity) })
  .by("city")
  .aggregate({ n: count(), revenue: sum("revenue") });
