/** A task process that has lost its supervisor. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Hash } from "../../core/ids.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import type { ToTask } from "./messages.ts";

const code = `export default { kind: "tasks", options: { run: () => { for (;;); } } };`;
const plan = { version: 1, files: [], splits: [], items: null, params: {}, reducers: 0 };

test("an endless loop ends when the supervisor is gone", async (t) => {
  const channelModule = new URL("../channel/channel.ts", import.meta.url).href;
  const script = `
    import { spawn } from "node:child_process";
    import { Channel } from ${JSON.stringify(channelModule)};
    const child = spawn(process.execPath, [process.argv[1]], {
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"], env: {} });
    const channel = new Channel(child.stdio[3], { sendMaxBytes: 1e6, receiveMaxBytes: 1e6,
      onEnd() {}, onMessage(m) {
        if (m.kind === "ready") channel.send(JSON.parse(process.argv[2]));
        if (m.kind === "loaded") {
          channel.send({ kind: "tasks", items: [{ task: 0, attempt: 1 }] });
          setTimeout(() => { console.log("it runs"); }, 100);
        }
      } });`;
  const scratch = temporaryDir(t, "orphan-");
  writeFileSync(join(scratch, "code.mjs"), code);
  const load: ToTask = {
    kind: "load",
    job: "j-1",
    codePath: join(scratch, "code.mjs"),
    codeHash: createHash("sha256").update(code).digest("hex") as Hash,
    plan: { text: JSON.stringify(plan) },
    items: { text: "1\n" },
    scratch,
    around: {},
  };
  const entry = fileURLToPath(new URL("main.ts", import.meta.url));
  const supervisor = spawn(
    process.execPath,
    ["--input-type=module", "-e", script, entry, JSON.stringify(load)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(supervisor.stdout as NodeJS.ReadableStream, "data");
  supervisor.kill("SIGKILL");
  // The task process shares the output: it is at its end when both are gone.
  await once(supervisor.stdout as NodeJS.ReadableStream, "close", {
    signal: AbortSignal.timeout(waitMaxMs),
  });
});
