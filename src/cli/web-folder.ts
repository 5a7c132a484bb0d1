/** Where the built web page lies: beside the built command line, or in `dist` of a checkout. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const isCheckout = import.meta.url.endsWith(".ts");
const place = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Longest time that building may take, ms. */
const buildMaxMs = 180_000;

/** Null when it has not been built (`npm run build`). */
export function webFolder(): string | null {
  const folder = place(isCheckout ? "../../dist/web/" : "../web/");
  return existsSync(`${folder}index.html`) ? folder : null;
}

type Builder = { readonly isBuilt: () => boolean };

/** The same; in a checkout it is built when it is missing or its sources have changed, and `print`
 *  gets a line about that. When that fails it is the page of before; null when there is none, as
 *  without the packages that build it. */
export async function builtWebFolder(print: (line: string) => void): Promise<string | null> {
  const folder = webFolder();
  const builder = place("../../scripts/web/build-web.ts");
  if (!isCheckout || !existsSync(builder)) return folder;
  if (folder !== null && ((await import(pathToFileURL(builder).href)) as Builder).isBuilt()) {
    return folder;
  }
  const why = folder === null ? "which is done once" : "whose sources have changed";
  print(`building the web page, ${why} …`);
  try {
    const limits = { timeout: buildMaxMs, maxBuffer: 16 * 1024 * 1024 };
    await promisify(execFile)(process.execPath, [builder], limits);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? "").trim();
    const told = said.split("\n").find((line) => /error/i.test(line)) ?? (error as Error).message;
    const old = folder === null ? "" : ", and is the one of before";
    print(`the web page could not be built${old}: ${told.trim().slice(0, 300)}`);
  }
  return webFolder();
}
