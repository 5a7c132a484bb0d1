/** Two tasks that return when they began, in ms since the epoch. */
import { tasks } from "../../src/index.ts";

export default tasks({ name: "when", clock: "real", items: [0, 1], run: () => Date.now() });
