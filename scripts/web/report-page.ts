/** The page of kept reports as one file: style and script inside, and a place for what is kept. A
 *  part of the web page's build. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import type { Plugin } from "vite";

const web = join(dirname(dirname(import.meta.dirname)), "src", "web");
const styles = ["colours", "page", "panels", "drawn"].map((name) =>
  join(web, "styles", `${name}.css`),
);

async function script(): Promise<string> {
  const bundle = await rolldown({
    input: join(web, "report", "main.tsx"),
    platform: "browser",
    transform: { jsx: { runtime: "automatic", importSource: "preact" } },
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  await bundle.close();
  return output[0].code;
}

/** With `"kept"` where the job goes. */
export async function reportPage(): Promise<string> {
  const plots = createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css");
  const style = [...styles, plots].map((path) => readFileSync(path, "utf8")).join("\n");
  const code = (await script()).replaceAll("</script", "<\\/script");
  return readFileSync(join(web, "report", "report.html"), "utf8")
    .replace("/*style*/", () => style)
    .replace("/*script*/", () => code);
}

export function reportFile(): Plugin {
  return {
    name: "report-file",
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: "report.html", source: await reportPage() });
    },
  };
}
