/** The page of kept reports as one file: style and script inside, and a place for what is kept. A
 *  part of the web page's build. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import type { Plugin } from "vite";
import type { Reading } from "./page-files.ts";

const web = join(dirname(dirname(import.meta.dirname)), "src", "web");
const styles = ["colours", "page", "panels", "drawn"].map((name) =>
  join(web, "styles", `${name}.css`),
);

async function script(files: Set<string>): Promise<string> {
  const bundle = await rolldown({
    input: join(web, "report", "main.tsx"),
    platform: "browser",
    transform: { jsx: { runtime: "automatic", importSource: "preact" } },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  for (const path of await bundle.watchFiles) files.add(path);
  await bundle.close();
  return output[0].code;
}

/** With `"kept"` where the job goes. `files`: gets the names of those that are read. */
async function reportPage(files: Set<string>): Promise<string> {
  const plots = createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css");
  const style = [...styles, plots].map((path) => readFileSync(path, "utf8")).join("\n");
  const code = (await script(files)).replaceAll("</script", "<\\/script");
  return readFileSync(join(web, "report", "report.html"), "utf8")
    .replace("/*style*/", () => style)
    .replace("/*script*/", () => code);
}

export function reportFile(): Plugin {
  const files = new Set<string>();
  return {
    name: "report-file",
    api: { files } satisfies Reading,
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: "report.html", source: await reportPage(files) });
    },
  };
}
