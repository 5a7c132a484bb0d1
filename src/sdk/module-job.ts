/** A job out of a WebAssembly file and items: `tequio run module.wasm items…`. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ClusterError } from "../core/error.ts";
import { moduleMaxBytes } from "../core/job.ts";
import type { BuiltJob } from "./bundle.ts";
import { bundleJob } from "./bundle.ts";

const magic = "0061736d";

/** The code holds the module and no items: the same module is the same code. `timeoutMs`: of one
 *  item, 0 = none. */
export async function buildModuleJob(
  file: string,
  items: readonly string[],
  timeoutMs = 0,
): Promise<BuiltJob> {
  const bytes = await readModule(file);
  const name = basename(file, ".wasm");
  const folder = await mkdtemp(join(tmpdir(), "tequio-module-"));
  try {
    const options = JSON.stringify({ name, module: bytes.toString("base64"), items: [] });
    const source = [
      'import { moduleTasks } from "tequio";',
      `export default moduleTasks(${options});`,
    ];
    const path = join(folder, "module.mjs");
    await writeFile(path, source.join("\n"));
    const built = await bundleJob(path);
    const { job } = built;
    if (job.kind !== "tasks") throw new Error("a module is a list of tasks");
    const list = await itemsOf(items);
    return {
      ...built,
      file,
      module: bytes,
      job: { ...job, options: { ...job.options, items: list, timeoutMs } },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readModule(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const text = `cannot read the module ${file}: ${(cause as Error).message}`;
    throw new ClusterError("bad-request", text, { cause });
  }
  if (bytes.subarray(0, 4).toString("hex") !== magic) {
    throw new ClusterError("build-failed", `${file} is not a WebAssembly module`);
  }
  if (bytes.length <= moduleMaxBytes) return bytes;
  const text = `${file} has ${bytes.length} bytes, of at most ${moduleMaxBytes}`;
  throw new ClusterError("limit-exceeded", text);
}

/** `@file` stands for its lines. */
async function itemsOf(given: readonly string[]): Promise<string[]> {
  const items: string[] = [];
  for (const one of given) {
    if (!one.startsWith("@")) {
      items.push(one);
      continue;
    }
    try {
      const lines = (await readFile(one.slice(1), "utf8")).split(/\r?\n/);
      if (lines.at(-1) === "") lines.pop();
      for (const line of lines) items.push(line);
    } catch (cause) {
      const text = `cannot read the items in ${one.slice(1)}: ${(cause as Error).message}`;
      throw new ClusterError("bad-request", text, { cause });
    }
  }
  if (items.length > 0) return items;
  throw new ClusterError(
    "bad-request",
    "a module needs items: tequio run module.wasm 1 2 3, or @file for the lines of a file",
  );
}
