/** The code that runs in sandboxes of tabs, as text: what a task's Worker starts with, and the page
 *  around it. A part of the web page's build. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import type { Plugin } from "vite";
import type { Reading } from "../web/page-files.ts";

const root = dirname(dirname(import.meta.dirname));
const browser = join(root, "src", "worker", "browser");
const sandbox = join(root, "src", "web", "sandbox");
/** What a tab has instead of modules of Node; of others an import stays, and is refused below. */
const nodeShims = new Map([
  ...["fs", "crypto", "zlib", "buffer", "url"].map((name) => [name, `${name}.ts`] as const),
  ["util", "printing.ts"] as const,
]);
const standIn = {
  name: "node-shims",
  resolveId(id: string) {
    if (!id.startsWith("node:")) return null;
    const name = id.slice("node:".length);
    const file = nodeShims.get(name);
    return file === undefined ? { id, external: true } : join(browser, "node-shims", file);
  },
};

/** `files`: gets the names of those that are read. */
async function bundled(entry: string, files: Set<string>): Promise<string> {
  const bundle = await rolldown({
    input: entry,
    platform: "browser",
    plugins: [standIn],
    // Where the code lies, as far as it asks: frames of stacks from there are ours.
    transform: {
      define: { "import.meta.url": JSON.stringify("file:///tequio/task/code.js") },
    },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  for (const path of await bundle.watchFiles) files.add(path);
  await bundle.close();
  const [{ code, imports }, ...others] = output;
  if (imports.length + others.length > 0) {
    const needed = [...imports, ...others.map((one) => one.fileName)];
    throw new Error(`${entry} would need ${needed}, which no tab has`);
  }
  return code;
}

/** What each Worker of a task starts with. */
export async function taskCode(files = new Set<string>()): Promise<string> {
  const code = await bundled(join(browser, "task", "main.ts"), files);
  return `${code}\n//# sourceURL=/tequio/task.js\n`;
}

/** The sandbox's page: its policy allows no script but what lies in it. */
export async function sandboxPage(files = new Set<string>()): Promise<string> {
  const code = await bundled(join(sandbox, "main.ts"), files);
  const page = readFileSync(join(root, "src", "web", "sandbox.html"), "utf8");
  return page.replace("/*script*/", () => code.replaceAll("</script", "<\\/script"));
}

const codeModule = "virtual:task-code";

/** `sandbox.html`, and the module `virtual:task-code` whose default export is the text. */
export function tabCode(): Plugin {
  const files = new Set<string>();
  return {
    name: "tab-code",
    api: { files } satisfies Reading,
    resolveId: (id) => (id === codeModule ? `\0${codeModule}` : null),
    async load(id) {
      if (id !== `\0${codeModule}`) return null;
      return `export default ${JSON.stringify(await taskCode(files))};`;
    },
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: "sandbox.html", source: await sandboxPage(files) });
    },
  };
}
