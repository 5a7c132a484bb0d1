/** Builds the kernels in `assembly/` into modules that are checked in beside their drivers, the
 *  WebAssembly in them as base64: so it is loaded alike in Node and in tabs. The same source gives
 *  the same text; `test/wasm/wasm.test.ts` builds anew and compares. */
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import asc from "assemblyscript/asc";

const root = join(import.meta.dirname, "..");
/** Source → module. */
export const kernels: ReadonlyArray<readonly [source: string, module: string]> = [
  ["assembly/words.ts", "src/worker/kernels/wasm/words-wasm.ts"],
  ["assembly/groups.ts", "src/worker/kernels/groups/groups-wasm.ts"],
  ["assembly/sorting.ts", "src/worker/kernels/sorting/sort-wasm.ts"],
  ["assembly/math.ts", "src/environment/math/math-wasm.ts"],
];
/** Modules of examples, as they are. */
export const examples: ReadonlyArray<readonly [source: string, module: string]> = [
  ["assembly/examples/primes.ts", "examples/count-primes/primes.wasm"],
];
/** For jobs in Python, which run it as Python: in base 85, that being shorter. */
export const pythonKernels: ReadonlyArray<readonly [source: string, module: string]> = [
  ["assembly/python-math.ts", "python/tequio/_exact/kit.py"],
];
const flags = "-O3 --noAssert --runtime stub --enable simd --outFile out.wasm".split(" ");
const lineCharacters = 92;
/** Of a module. */
const partLines = 350;

export async function compiledBytes(source: string): Promise<Uint8Array> {
  let wasm: Uint8Array = new Uint8Array(0);
  const { error, stderr } = await asc.main([source, "--baseDir", root, ...flags], {
    writeFile(_, contents) {
      wasm = contents as Uint8Array;
    },
  });
  if (error !== null || wasm.length === 0) throw new Error(`${source}: ${stderr}${error}`);
  return wasm;
}

/** The texts of the module and, where it is long, of those that have the rest, by their paths. */
export async function compiled(source: string, module: string): Promise<Map<string, string>> {
  const wasm = await compiledBytes(source);
  const list = linesOf(Buffer.from(wasm).toString("base64")).map((line) => `  "${line}",\n`);
  const count = Math.ceil(list.length / partLines);
  const nameOf = (part: number) => (part === 0 ? module : module.replace(/\.ts$/, `-${part}.ts`));
  const by = "made by `scripts/build-wasm.ts`";
  const head = `/** \`${source}\` as WebAssembly, in base64: ${by}. */\n`;
  const texts = new Map<string, string>();
  for (let part = 0; part < count; part++) {
    const lines = list.slice(part * partLines, (part + 1) * partLines).join("");
    const next = part + 1 < count ? basename(nameOf(part + 1)) : null;
    const rest = next === null ? "" : `import { wasmBase64 as rest } from "./${next}";\n\n`;
    const own = `export const wasmBase64: string = [\n${lines}`;
    texts.set(nameOf(part), `${head}${rest}${own}${next === null ? "" : "  rest,\n"}].join("");\n`);
  }
  return texts;
}

function linesOf(text: string): readonly string[] {
  return text.match(new RegExp(`.{1,${lineCharacters}}`, "g")) ?? [];
}

const letters =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/** The text of the module of Python, whose `base64.b85decode` reads it. */
export async function compiledPython(source: string): Promise<string> {
  const wasm = await compiledBytes(source);
  const view = new DataView(new ArrayBuffer(Math.ceil(wasm.length / 4) * 4));
  new Uint8Array(view.buffer).set(wasm);
  let text = "";
  for (let at = 0; at < view.byteLength; at += 4) {
    let word = view.getUint32(at);
    let five = "";
    for (let i = 0; i < 5; i++) {
      five = letters[word % 85] + five;
      word = Math.floor(word / 85);
    }
    text += five;
  }
  const list = linesOf(text.slice(0, text.length - (view.byteLength - wasm.length)));
  const head = `"""Made by \`scripts/build-wasm.ts\`: \`${source}\` as WebAssembly, in base 85."""`;
  return `${head}\n\nKIT = (\n${list.map((line) => `    "${line}"\n`).join("")})\n`;
}

/** Writes them all; what is checked in is what this makes. */
export async function buildKernels(): Promise<void> {
  for (const [source, module] of kernels) {
    for (const [path, text] of await compiled(source, module)) {
      writeFileSync(join(root, path), text);
    }
  }
  for (const [source, module] of pythonKernels) {
    writeFileSync(join(root, module), await compiledPython(source));
  }
  for (const [source, module] of examples) {
    writeFileSync(join(root, module), await compiledBytes(source));
  }
}

if (import.meta.main) await buildKernels();
