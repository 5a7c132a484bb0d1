/** docs/http-api.md agrees with the source. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { httpStatus } from "../../../wire/api/messages.ts";
import { gatewayPath } from "../../../wire/browser/messages.ts";
import { accessText } from "./route.ts";
import { routes } from "./routes/index.ts";
import { workerPath } from "./upgrade.ts";

const page = readFileSync(new URL("../../../../docs/http-api.md", import.meta.url), "utf8");

function tableOf(name: string): string[] {
  const [, table] = new RegExp(`<!-- ${name} -->\n([^]*?)<!-- end -->`).exec(page) ?? [];
  return (table ?? "").trim().split("\n").slice(2);
}

const calls = routes.map(
  (route) =>
    `| \`${route.method} ${route.path}\` | ${route.exchange} | ${accessText(route.access)} |`,
);

test("the table of calls is the table of routes", () => {
  const upgrade = `| WebSocket \`${workerPath}\` | binary frames of the manager protocol | work |`;
  const gateways = `| WebSocket \`${gatewayPath}\` | browser protocol, for a gateway | work |`;
  assert.deepEqual(tableOf("routes"), [...calls, upgrade, gateways]);
});

test("the table of failures is that of the source", () => {
  const rows = Object.entries(httpStatus).map(([code, status]) => `| \`${code}\` | ${status} |`);
  assert.deepEqual(tableOf("statuses"), rows);
});

test("the comment above the messages lists the same calls", () => {
  const source = readFileSync(new URL("../../../wire/api/messages.ts", import.meta.url), "utf8");
  const listed = [...source.matchAll(/^ \* {2}\| ((?:GET|POST|PUT|HEAD|DELETE)[^|]*?) \|/gm)]
    .flatMap(([, call]) => {
      const [, methods, path] = /^([A-Z, ]+) (\/[^?]*)/.exec(call!)!;
      return methods!.split(", ").map((method) => `${method} ${path}`);
    })
    .sort();
  assert.deepEqual(listed, routes.map(({ method, path }) => `${method} ${path}`).sort());
});
