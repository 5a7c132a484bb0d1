/** `node scripts/equal-bits.ts [--count 10000000] [--node PATH …] [--firefox PATH]`: whether the
 *  functions of `Math` of job code give equal bits in this Node, in each other one, in Chromium,
 *  and in a Firefox. Ends with 1 when a function differs. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { rolldown } from "rolldown";
import { findChromium, startChromium } from "../test/simulation/chromium.ts";
import { Firefox } from "./equal-bits/firefox.ts";
import { functionNames } from "./equal-bits/hashes.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "10000000" },
    node: { type: "string", multiple: true, default: [] },
    firefox: { type: "string" },
  },
});
const count = Number(values.count);

type Engine = { readonly name: string; readonly hash: (name: string) => Promise<string> };

async function bundled(): Promise<string> {
  const input = join(import.meta.dirname, "equal-bits/hashes.ts");
  const bundle = await rolldown({ input, platform: "browser", logLevel: "silent" });
  const { output } = await bundle.generate({ format: "iife" });
  await bundle.close();
  return output[0].code;
}

async function nodeEngine(path: string, code: string): Promise<Engine> {
  const run = async (script: string) =>
    (await promisify(execFile)(path, ["-e", `${code}\n${script}`])).stdout.trim();
  const version = await run("console.log(process.version)");
  const hash = (name: string) =>
    run(`console.log(equalBits.hashOf(${JSON.stringify(name)}, ${count}))`);
  return { name: `Node ${version}`, hash };
}

async function chromium(path: string, code: string) {
  const browser = await startChromium(path);
  const page = await browser.newPage();
  await page.evaluate(code);
  const hash = (name: string) =>
    page.evaluate(`equalBits.hashOf(${JSON.stringify(name)}, ${count})`) as Promise<string>;
  const engine: Engine = { name: `Chromium ${browser.version()}`, hash };
  return { engine, close: () => browser.close() };
}

const code = await bundled();
const found = findChromium();
const tab = found === null ? null : await chromium(found, code);
if (tab === null) console.log("no Chromium: set CHROMIUM to the path of one");
const fox = values.firefox === undefined ? null : await Firefox.start(values.firefox, code);
try {
  const nodes = [process.execPath, ...values.node].map((path) => nodeEngine(path, code));
  const engines = [...(await Promise.all(nodes)), ...(tab === null ? [] : [tab.engine])];
  if (fox !== null) {
    const { firefox, name } = fox;
    engines.push({ name, hash: (one) => firefox.hashOf(one, count) });
  }
  console.log(`${count} arguments a function: ${engines.map(({ name }) => name).join(", ")}`);
  for (const name of functionNames) {
    const hashes: string[] = [];
    for (const engine of engines) hashes.push(await engine.hash(name));
    const isEqual = new Set(hashes).size === 1;
    if (!isEqual) process.exitCode = 1;
    console.log(`  ${name.padEnd(6)} ${isEqual ? hashes[0] : `differs: ${hashes.join(" ")}`}`);
  }
} finally {
  await tab?.close();
  await fox?.firefox.close();
}
