/** Of this machine: Node, the sandbox it allows, memory, open files, who runs it. */
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { findPython } from "../../../worker/slot/python.ts";
import { forgetRemembered } from "../../../worker/slot/remembered.ts";
import { probeSandbox, runsPython, type Sandbox } from "../../../worker/slot/sandbox-node.ts";
import { bytesText } from "../../numbers.ts";
import { basicSandboxLimits, strictSandboxAdvice } from "../../sandbox-text.ts";
import { type Finding, good } from "./finding.ts";

const nodeMajorMin = 24;
/** Of memory for each core; a task needs about a quarter of that for itself. */
const coreMemoryMinBytes = 512 * 1024 * 1024;
const openFilesMin = 4_096;

export async function machineFindings(): Promise<Finding[]> {
  return [nodeVersion(), ...(await sandboxes()), memory(), ...openFiles(), ...privileges()];
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= nodeMajorMin) return good("node", `Node ${process.versions.node}`);
  const what = `Node ${process.versions.node} is older than ${nodeMajorMin}`;
  return { severity: "serious", topic: "node", what, fix: `install Node ${nodeMajorMin} or newer` };
}

async function sandboxes(): Promise<Finding[]> {
  // What a worker found before may be what has changed.
  forgetRemembered();
  const sandbox = await probeSandbox("auto");
  return [sandboxOf(sandbox), await python(sandbox)];
}

async function python(sandbox: Sandbox): Promise<Finding> {
  const found = await findPython();
  const fix = "install Python 3.9 or newer, or name one: `tequio up --python`";
  if (found === null) {
    const what = "there is no python3 of 3.9 or newer: workers here run no Python jobs";
    return { severity: "note", topic: "python", what, fix };
  }
  if (await runsPython(sandbox, found)) return good("python", `Python ${found.version}`);
  const what = `${found.executable} does not start in the sandbox: workers here run no Python jobs`;
  return { severity: "note", topic: "python", what, fix };
}

function sandboxOf({ profile }: Sandbox): Finding {
  if (profile === "strict") {
    return good("sandbox", "job code can be kept from the network and from other processes");
  }
  const what = basicSandboxLimits;
  return { severity: "warning", topic: "sandbox", what, fix: strictSandboxAdvice() };
}

function memory(): Finding {
  const bytes = totalmem();
  const cores = availableParallelism();
  const what = `${bytesText(bytes)} of memory for ${cores} cores`;
  if (bytes / cores >= coreMemoryMinBytes) return good("memory", what);
  const fix = "give fewer --slots to `tequio join`, or fewer --workers to `tequio up`";
  return { severity: "note", topic: "memory", what, fix };
}

function openFiles(): Finding[] {
  let limit: number;
  try {
    const text = readFileSync("/proc/self/limits", "utf8");
    limit = Number(/^Max open files +([0-9]+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return [];
  }
  if (limit >= openFilesMin) return [good("open files", `${limit} at once`)];
  const what = `only ${limit} files may be open at once: many workers will be refused`;
  return [{ severity: "note", topic: "open files", what, fix: `ulimit -n ${openFilesMin}` }];
}

function privileges(): Finding[] {
  if (process.geteuid?.() !== 0) return [];
  const what = "you are root; what escapes from a task would be root, too";
  return [{ severity: "note", topic: "user", what, fix: "run it as a user of its own" }];
}
