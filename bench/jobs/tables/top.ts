/** CSV: the ten products that are sold most often. */
import { text } from "../../../src/index.ts";

export default text.csv(["product"]).by("product").count().topK(10);
