/** Orders by their amount, greatest first; of equal amounts in the order of the files. */
import { text } from "tequio";

export default text.csv(["order", "customer", "amount"]).sort({
  name: "sort orders",
  by: "amount",
  order: "descending",
  numeric: true,
  output: "csv",
});
