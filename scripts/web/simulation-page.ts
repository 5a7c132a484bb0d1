/** Builds the page that shows a simulated cluster: one file without anything beside it, so that it
 *  can be opened from a disk and sent to others. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

const root = dirname(dirname(import.meta.dirname));
const source = join(root, "sim", "page");
const target = join(root, "out", "simulation.html");

/** Returns the path of the page. Throws when the code that it runs needs anything of Node. */
export async function buildSimulationPage(): Promise<string> {
  const bundle = await rolldown({
    input: join(source, "main.ts"),
    platform: "browser",
    // Resolving nothing but files: what is asked of Node stays an import, and is seen below.
    external: /^node:(?!zlib$)/,
    resolve: { alias: { "node:zlib": join(source, "plain-records.ts") } },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  await bundle.close();
  const [{ code, imports }, ...others] = output;
  if (imports.length + others.length > 0) {
    throw new Error(`the page would need ${[...imports, ...others.map((one) => one.fileName)]}`);
  }
  const page = readFileSync(join(source, "index.html"), "utf8")
    .replace("/*style*/", () => readFileSync(join(source, "style.css"), "utf8"))
    .replace("/*script*/", () => code.replaceAll("</script", "<\\/script"));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, page);
  return target;
}

/** Shows a file in the browser of this machine; nothing happens where there is none. */
export function openInBrowser(path: string): void {
  const commands: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: ["open", path],
    win32: ["cmd", "/c", "start", "", path],
  };
  const [command = "", ...args] = commands[process.platform] ?? ["xdg-open", path];
  const opened = spawn(command, args, { stdio: "ignore", detached: true });
  opened.on("error", () => console.log(`open it with your browser: ${path}`));
  opened.unref();
}
