/** The memory that a user gives to tasks, when it is enough for them. */
import { ClusterError } from "../../core/error.ts";
import { taskMemoryMinBytes } from "../../worker/task/memory.ts";

/** `memory`: for so many tasks at once; undefined stays so. Throws `bad-request`. */
export function enoughMemory(memory: number | undefined, slots: number): number | undefined {
  if (memory === undefined || memory >= slots * taskMemoryMinBytes) return memory;
  const leastMib = (slots * taskMemoryMinBytes) / 1024 / 1024;
  const tasks = slots === 1 ? "a task" : `${slots} tasks at once`;
  throw new ClusterError(
    "bad-request",
    `--memory is at least ${leastMib}M for ${tasks}; give more, or run fewer at once`,
  );
}
