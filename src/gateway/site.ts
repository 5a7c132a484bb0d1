/** The web page's files, and the answers of the gateway itself: health and the speed test. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, posix } from "node:path";
import { ClusterError } from "../core/error.ts";

export type Site = {
  /** True when the request was for the site, and is answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
};

type Page = { readonly bytes: Buffer; readonly headers: Readonly<Record<string, string>> };

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

/** The product's own pages: nothing is loaded from elsewhere, and no page may frame them (B7). */
const pagePolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "frame-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "object-src 'none'",
].join("; ");

/** Where code of jobs runs: no network, no storage, no parent; only Workers from blobs (B6). */
const sandboxPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:",
  "worker-src blob:",
  "frame-ancestors 'self'",
  "sandbox allow-scripts",
].join("; ");

/** Name of the page that frames job code. */
export const sandboxPage = "/sandbox.html";

/** Limit of one speed test, bytes. */
const speedBytesMax = 16 * 1024 * 1024;
/** Speed tests at once. */
const speedTestsMax = 256;

/** Reads all files of the folder once; they are the built page, a few megabytes. */
export function openSite(folder: string): Site {
  const pages = readPages(folder);
  const speed = speedTest();
  return {
    handle(request, response) {
      const [path = "", query = ""] = (request.url ?? "").split("?", 2);
      if (path === "/speed") {
        const sizeBytes = Number(new URLSearchParams(query).get("bytes") ?? Number.NaN);
        speed(request, response, sizeBytes);
        return true;
      }
      const page = pages.get(path) ?? pageOfRoute(pages, path);
      if (page === undefined) return false;
      if (request.method !== "GET" && request.method !== "HEAD") return false;
      response.writeHead(200, { ...page.headers, "content-length": String(page.bytes.length) });
      response.end(request.method === "HEAD" ? undefined : page.bytes);
      return true;
    },
  };
}

/** `/`, `/j`, `/jobs/j-1` …: the page itself routes these. */
function pageOfRoute(pages: ReadonlyMap<string, Page>, path: string): Page | undefined {
  return /^(\/|\/j|\/try|\/jobs(\/[a-z0-9-]{1,40})?|\/workers(\/w-[0-9]{1,15})?|\/files)$/.test(
    path,
  )
    ? pages.get("/index.html")
    : undefined;
}

function readPages(folder: string): Map<string, Page> {
  const pages = new Map<string, Page>();
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true }) as string[];
  } catch (cause) {
    const text = `the web page is not built (${folder} is not there); run \`npm run build\``;
    throw new ClusterError("not-found", text, { cause });
  }
  for (const name of names) {
    const file = join(folder, name);
    if (!statSync(file).isFile()) continue;
    const path = posix.join("/", name.replaceAll("\\", "/"));
    pages.set(path, { bytes: readFileSync(file), headers: headersOf(path) });
  }
  return pages;
}

function headersOf(path: string): Record<string, string> {
  // Names of assets carry their hash.
  const isAsset = path.startsWith("/assets/");
  const isSandbox = path === sandboxPage;
  return {
    "content-type": types[extname(path)] ?? "application/octet-stream",
    "cache-control": isAsset ? "public, max-age=31536000, immutable" : "no-cache",
    "content-security-policy": isSandbox ? sandboxPolicy : pagePolicy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    // The sandbox, whose origin is opaque, requests files of the page.
    ...(isAsset ? { "cross-origin-resource-policy": "cross-origin" } : {}),
  };
}

/** Bytes that no proxy can compress: the browser times them. */
function speedTest() {
  const noise = randomBytes(256 * 1024);
  let running = 0;
  return (request: IncomingMessage, response: ServerResponse, sizeBytes: number): void => {
    const isSize = sizeBytes >= 0 && sizeBytes <= speedBytesMax;
    if (request.method !== "GET" || !isSize) {
      response.writeHead(400, { "content-length": "0" }).end();
      return;
    }
    if (running >= speedTestsMax) {
      response.writeHead(503, { "content-length": "0", "retry-after": "1" }).end();
      return;
    }
    running += 1;
    response.once("close", () => {
      running -= 1;
    });
    sendNoise(response, noise, Math.floor(sizeBytes));
  };
}

function sendNoise(response: ServerResponse, noise: Buffer, totalBytes: number): void {
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": String(totalBytes),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  let left = totalBytes;
  const go = () => {
    while (left > 0) {
      const part = noise.subarray(0, Math.min(left, noise.length));
      left -= part.length;
      if (!response.write(part)) {
        response.once("drain", go);
        return;
      }
    }
    response.end();
  };
  go();
}
