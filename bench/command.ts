/** Runs a command to its end; its standard output is not wanted. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** Throws with what it wrote to standard error when it fails. */
export async function command(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  const errors: string[] = [];
  child.stderr.on("data", (chunk) => errors.push(String(chunk)));
  const exited = once(child, "exit");
  child.stdout.resume();
  const [code] = await exited;
  if (code !== 0)
    throw new Error(`${file} ${args.join(" ")} ended with ${code}\n${errors.join("")}`);
}
