/** The ten words that occur most often. */
import { text } from "tequio";

export default text.words({ lowercase: true }).count().topK(10);
