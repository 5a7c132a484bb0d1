import { text } from "../../../src/index.ts";

export default text.csv(["city", "price"]).by("city").sum("price");
