/** What the system says of a process, from `/proc`. */
import { readFileSync } from "node:fs";

const clockTickMs = 10;

/** CPU time of the process itself, in user mode and in the kernel, ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the command's name, which may contain anything, the 12th and 13th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
}
