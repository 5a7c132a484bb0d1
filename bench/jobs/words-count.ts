/** Word count as an operator: none of it is the user's code. */
import { text } from "../../src/index.ts";

export default text.words({ lowercase: true }).count();
