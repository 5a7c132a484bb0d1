/** A fresh directory for a test. */
export { inPlace } from "../../src/conformance/check.ts";
