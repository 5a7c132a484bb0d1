/** Each way in which Python cannot be fetched, as the page explains it. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import { pythonIndexPath } from "../../../wire/browser/python-index.ts";
import { PythonFetcher } from "../../../worker/browser/tab/python.ts";
import { whyNoPython } from "./why-no-python.ts";

/** What the page shows when its server answers so; null = it is gone. */
async function explained(t: TestContext, status: number | null, body = "") {
  const server = createServer((_, response) => {
    response.writeHead(status ?? 500).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  assert.ok(at !== null && typeof at === "object");
  const close = () => new Promise((resolve) => server.close(resolve));
  if (status === null) await close();
  else t.after(close);
  const fetcher = new PythonFetcher(`http://127.0.0.1:${at.port}`, () => {});
  return fetcher.fetch().then(
    () => assert.fail("there is Python"),
    (error: unknown) => whyNoPython(error, "here"),
  );
}

test("a missing package, a refusal, a failure and silence have texts of their own", async (t) => {
  const why = (status: number) => ({ at: "here", why: `${pythonIndexPath}: HTTP ${status}` });
  assert.deepEqual(await explained(t, 404), { message: "noPython", values: why(404) });
  assert.deepEqual(await explained(t, 401), { message: "pythonDenied", values: why(401) });
  assert.deepEqual(await explained(t, 403), { message: "pythonDenied", values: why(403) });
  assert.deepEqual(await explained(t, 503), { message: "pythonFailed", values: why(503) });
  // As a proxy or a hot spot answers, which wants something else first.
  assert.equal((await explained(t, 200, "<html>")).message, "pythonFailed");
  assert.equal((await explained(t, null)).message, "pythonAway");
});
