/** CSV: all sales by price. */
import { text } from "../../../src/index.ts";

export default text
  .csv(["id", "city", "product", "price", "quantity", "date"])
  .sort({ by: "price", numeric: true, output: "csv" });
