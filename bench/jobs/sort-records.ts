/** Records of 100 bytes by their first ten. */
import { bytes } from "../../src/index.ts";

export default bytes.records(100, { key: [0, 10] }).sort({ name: "sort" });
