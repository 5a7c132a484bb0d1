/** The web page: `src/web` into `dist/web`, self-contained, loadable without any network but the
 *  gateway's. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { tabCode } from "./scripts/browsers/tab-code.ts";
import { reportFile } from "./scripts/web/report-page.ts";
import { tryCode } from "./scripts/web/try-code.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  root: path("src/web"),
  plugins: [tabCode(), reportFile(), tryCode()],
  base: "/",
  build: {
    outDir: path("dist/web"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // The page's policy forbids inline scripts.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: path("src/web/index.html") },
      checks: { pluginTimings: false },
    },
    chunkSizeWarningLimit: 5_000,
  },
  // Readers of tables are parts of their own, which few tabs need.
  worker: { format: "es" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  logLevel: "warn",
});
