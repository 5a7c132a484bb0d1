/** A log: how often each first word occurs. */
import { text } from "../../../src/index.ts";

export default text.match(/^\S+/).count();
