/** The job of the task benchmark: as many tasks as asked for, each doing nothing. */
import { tasks } from "../../src/index.ts";

export default tasks({
  name: "no-op",
  params: { count: 1 },
  items: (params) => Array.from({ length: params.count }, (_, index) => index),
  run: (item: number) => item,
});
