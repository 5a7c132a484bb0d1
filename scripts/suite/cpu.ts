/** Preloaded into processes of tests by `npm test -- --cpu`: at its end each appends a line to the
 *  file `$SUITE_CPU`, its processor time together with that of the processes which it has started
 *  and which have ended, in s, and the first of its files. */
import { appendFileSync, readFileSync } from "node:fs";

const { SUITE_CPU: file = "" } = process.env;
// What this process starts is counted with it.
delete process.env.SUITE_CPU;
/** Of the kernel's clock for processor time. */
const ticksPerS = 100;

process.once("exit", () => {
  const [name = ""] = process.argv.slice(1).filter((arg) => arg.endsWith(".test.ts"));
  const others = process.argv.length - 3;
  if (file === "") return;
  appendFileSync(
    file,
    `${seconds().toFixed(1)} ${name}${others > 0 ? ` and ${others} more` : ""}\n`,
  );
});

function seconds(): number {
  const { system, user } = process.cpuUsage();
  return (user + system) / 1e6 + ofChildren();
}

/** 0 where there is no `/proc`. */
function ofChildren(): number {
  try {
    const text = readFileSync("/proc/self/stat", "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) / ticksPerS;
  } catch {
    return 0;
  }
}
