import { text } from "../../../src/index.ts";

export default text.match(/^\S+/).count();
