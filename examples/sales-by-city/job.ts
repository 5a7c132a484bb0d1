/** Sums up what was sold in each city. No code of ours runs: the job is plain data. */
import { text } from "tequio";

export default text.csv(["city", "amount"]).by("city").sum("amount", { name: "sales by city" });
