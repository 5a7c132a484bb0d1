/** The code of a job of a page: a module that is bundled already, or the text of its functions. */
import { createHash } from "node:crypto";
import callsCode from "virtual:calls-code";
import { ClusterError } from "../../core/error.ts";
import { checkJob } from "../../sdk/build/check-job.ts";
import { operatorCode } from "../../sdk/build/operator-code.ts";
import type { BuiltJob } from "../../sdk/bundle.ts";
import type { Job } from "../../sdk/job.ts";
import { aloneExpression } from "../../sdk/ship/alone.ts";
import { type CallSettings, jobOfCalls, jobText } from "../../sdk/ship/job-text.ts";
import type { AnyFunction } from "../../sdk/ship/locate.ts";

/** Larger modules are refused, bytes: as `codeMaxBytes` of the bundler. */
const moduleMaxBytes = 64 * 1024 * 1024;
/** How long a module may take to come, ms. */
const moduleMaxMs = 30_000;

/** Calls of a function as a list of tasks. Throws `build-failed` for what has no text. */
export function builtCalls(call: AnyFunction, settings: CallSettings): BuiltJob {
  const text = aloneExpression(call, "the function");
  const code = [
    `const { callsOf } = ${callsCode};`,
    `const call = ${text};`,
    'export default { kind: "tasks", options: { items: [], run: callsOf(call) } };\n',
  ].join("\n");
  return { code, hash: hashOf(code), job: jobOfCalls(settings), file: "page" };
}

/** Throws `build-failed` for what is no job. */
export async function builtFrom(
  given: Job | string | URL,
  signal: AbortSignal | undefined,
): Promise<BuiltJob> {
  if (typeof given === "string" || given instanceof URL) return builtModule(given, signal);
  const job = checkJob(given, "the job");
  const isOperator = job.kind === "operator";
  const code = isOperator
    ? operatorCode
    : `export default ${await jobText(job, aloneExpression)};\n`;
  return { code, hash: hashOf(code), job, file: "page" };
}

/** Workers get the text of the module; the page loads it to know the job. */
async function builtModule(
  address: string | URL,
  signal: AbortSignal | undefined,
): Promise<BuiltJob> {
  const { baseURI } = (globalThis as { document?: { readonly baseURI: string } }).document ?? {};
  if (!URL.canParse(String(address), baseURI)) {
    throw new ClusterError("bad-request", `${address} is no address of a module`);
  }
  const { href, pathname } = new URL(address, baseURI);
  const code = await textOf(href, signal);
  let loaded: { readonly default?: unknown };
  try {
    loaded = await import(/* @vite-ignore */ /* webpackIgnore: true */ href);
  } catch (cause) {
    const text = `the module ${href} cannot be loaded: ${(cause as Error).message}`;
    throw new ClusterError("build-failed", text, { cause });
  }
  const name = pathname.slice(pathname.lastIndexOf("/") + 1) || "job";
  return { code, hash: hashOf(code), job: checkJob(loaded.default, name), file: name };
}

async function textOf(href: string, signal: AbortSignal | undefined): Promise<string> {
  const limit = AbortSignal.timeout(moduleMaxMs);
  try {
    const all = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    const answer = await fetch(href, { signal: all });
    const text = answer.ok ? await answer.text() : null;
    if (text !== null && text.length <= moduleMaxBytes) return text;
    const why = text === null ? `answered ${answer.status}` : "is larger than 64 MiB";
    throw new ClusterError("bad-request", `the module ${href} ${why}`);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ClusterError) throw cause;
    const text = `the module ${href} cannot be read: ${(cause as Error).message}`;
    throw new ClusterError("bad-request", text, { cause });
  }
}

function hashOf(code: string): string {
  return createHash("sha256").update(Buffer.from(code)).digest("hex");
}
