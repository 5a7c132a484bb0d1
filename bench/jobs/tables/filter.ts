/** CSV: sales above a price, counted, added up and compared by city. */
import { count, max, min, sum, text } from "../../../src/index.ts";

export default text
  .csv(["city", "price", "quantity"])
  .where((row) => row.price.gt(500).and(row.quantity.le(6)))
  .by("city")
  .aggregate({ n: count(), total: sum("price"), least: min("price"), most: max("price") });
