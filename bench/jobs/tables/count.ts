/** CSV: how many sales there are by city and product. */
import { text } from "../../../src/index.ts";

export default text.csv(["city", "product"]).by("city", "product").count();
