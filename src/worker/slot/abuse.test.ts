/** What job code may do to itself, and to no other job or process. Fault ids are those of the fault
 *  list. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Failure } from "../../core/job.ts";
import { polled } from "../../store/testing/polled.ts";
import { resultOf, runItems, startProcess } from "./testing.ts";

const quick = { sampleMs: 20, overheadBytes: 96 * 1024 * 1024 };

function code(failure: unknown): unknown {
  return (failure as Failure | null)?.code;
}

/** What trying it gives: the error's code or message, or "done". */
function attempting(what: string): string {
  return `try { ${what}; return "done"; } catch (error) { return String(error.code ?? error); }`;
}

test("W8: an endless loop receives no message, and is killed all the same", async (t) => {
  const process = await startProcess(t, { run: "for (;;);" });
  process.listen = (message) => {
    if (message.kind !== "loaded") return;
    process.send({ kind: "tasks", items: [{ task: 0, attempt: 1 }] });
    setTimeout(() => void process.kill(), 50);
  };
  const failure = await process.ended;
  assert.equal(failure.code, "task-crashed");
  assert.match(failure.message, /was killed by SIGKILL$/);
});

for (const sandbox of ["auto", "basic"] as const) {
  test(`W8: a process that the kernel kills, as for memory, was killed (${sandbox})`, async (t) => {
    const task = await startProcess(t, { run: "return 1;", sandbox });
    await new Promise<void>((resolve) => {
      task.listen = ({ kind }) => kind === "loaded" && resolve();
    });
    // Not its supervisor, which must report it.
    process.kill(task.pid, "SIGKILL");
    const { code, message } = await task.ended;
    assert.equal(code, "task-crashed");
    assert.match(message, /^the process that ran the task was killed by SIGKILL, and not by its w/);
  });
}

test("W8: a heap that grows without end is out-of-memory", async (t) => {
  const run = "const all = []; for (;;) all.push({ item, list: [item, item] });";
  const { failure, reports } = await runItems(t, { run });
  assert.equal(code(failure), "out-of-memory");
  assert.deepEqual(reports, []);
});

test("W8: buffers outside the heap are counted too", async (t) => {
  const run = `const all = [];
    for (;;) { all.push(Buffer.alloc(8 << 20, 1)); await new Promise((r) => setTimeout(r, 5)); }`;
  const { failure } = await runItems(t, { run, limits: quick });
  assert.equal(code(failure), "out-of-memory");
});

test("W8: memory of WebAssembly is counted too", async (t) => {
  const run = `const memory = new WebAssembly.Memory({ initial: 1, maximum: 32768 });
    for (;;) { memory.grow(128); new Uint8Array(memory.buffer).fill(1);
      await new Promise((r) => setTimeout(r, 5)); }`;
  const { failure } = await runItems(t, { run, limits: quick });
  assert.equal(code(failure), "out-of-memory");
});

test("W8: a flood of output is drained, and beyond its limit ends the process", async (t) => {
  for (const write of ["console.log", "process.stdout.write"]) {
    const run = `for (let n = 0; n < 20000; n++) ${write}("x".repeat(99)); return "survived";`;
    assert.equal(await resultOf(t, { run }), "survived");
  }
  const { failure } = await runItems(t, {
    // With a wait after each write, or the process may run out of memory before its output is out.
    run: `for (;;) { process.stdout.write("x".repeat(9999));
      await new Promise((r) => setTimeout(r, 1)); }`,
    limits: { outputMaxBytes: 1_000_000 },
  });
  assert.equal(code(failure), "limit-exceeded");
});

test("W9: process.exit ends only the task process, and is the job's own error", async (t) => {
  const { reports, failure } = await runItems(t, { run: "process.exit(0);" });
  const told = reports[0]?.kind === "failed" ? reports[0].failure : failure;
  assert.equal(code(told), "user-error");
  assert.match(String(told?.message), /process\.exit/);
});

test("W9: what is thrown in a timer is the job's own error", async (t) => {
  const run = `setTimeout(() => { throw new Error("later"); }, 5); await new Promise(() => {});`;
  const { reports, failure } = await runItems(t, { run });
  const told = reports[0]?.kind === "failed" ? reports[0].failure : failure;
  assert.equal(code(told), "user-error");
  assert.match(String(told?.message), /later/);
});

test("W9: a rejection that is never awaited is the job's own error", async (t) => {
  const run = `Promise.reject(new Error("lost")); await new Promise(() => {});`;
  const { reports, failure } = await runItems(t, { run });
  const told = reports[0]?.kind === "failed" ? reports[0].failure : failure;
  assert.equal(code(told), "user-error");
});

test("W9: a fault of the machine is reported as a crash, with its last output", async (t) => {
  const { failure } = await runItems(t, {
    run: `process.stderr.write("last words\\n"); await new Promise((r) => setTimeout(r, 20));
      process.abort();`,
  });
  assert.equal(code(failure), "task-crashed");
  assert.match(String(failure?.message), /last words/);
});

/** What job code may write to descriptors that are not its own. Each ends with the same item's
 *  promise pending, so that only the worker can end it. */
const scribbles: Readonly<Record<string, string>> = {
  "half a line of text": `fs.writeSync(fd, '{"kind":"rea')`,
  "a line that is no message": `fs.writeSync(fd, "no message\\n\\n")`,
  "a frame that is no JSON": `fs.writeSync(fd, Buffer.from([2, 0, 0, 0, 123, 123]))`,
  "a length beyond the bound": `fs.writeSync(fd, Buffer.from([255, 255, 255, 255]))`,
};

for (const [what, write] of Object.entries(scribbles)) {
  test(`X4: ${what} on a descriptor that job code inherits ends its process alone`, async (t) => {
    const top = `import fs from "node:fs";`;
    // 3 is the channel, 4 its input.
    for (const fd of [3, 4]) {
      const run = `const fd = ${fd}; try { ${write}; } catch (error) { return error.code; }
        await new Promise((r) => setTimeout(r, ${fd === 3 ? 60_000 : 50})); return "went on";`;
      const result = await resultOf(t, { top, run });
      if (fd === 3) {
        assert.equal(code(result), "user-error", JSON.stringify(result));
        assert.match((result as Failure).message, /descriptor 3/);
      } else assert.equal(result, "went on");
    }
  });
}

test("X4: job code that writes to its engine's descriptors ends its own process", async (t) => {
  const write = Object.values(scribbles).join("; ");
  const run = `for (let fd = 5; fd < 32; fd++) try { ${write}; } catch {} return "went on";`;
  const task = await startProcess(t, { top: `import fs from "node:fs";`, run });
  // It may end, go on, or hang, since it writes to the engine's event loop.
  await Promise.race([
    task.ended,
    new Promise((resolve) => {
      task.listen = (message) => {
        if (message.kind !== "loaded") resolve(message);
        else task.send({ kind: "tasks", items: [{ task: 0, attempt: 1 }] });
        setTimeout(resolve, 500);
      };
    }),
  ]);
  await task.kill();
  assert.ok(task.over);
});

test("X4: a flood of bytes on a descriptor holds no memory of the worker", async (t) => {
  for (const fd of [3, 4]) {
    const beforeBytes = process.memoryUsage.rss();
    const run = `const block = Buffer.alloc(1 << 20, 97);
      fs.writeSync(${fd}, Buffer.from([255, 255, 255, 0]));
      for (;;) try { fs.writeSync(${fd}, block); } catch { await null; }`;
    const task = await startProcess(t, { top: `import fs from "node:fs";`, run });
    task.listen = ({ kind }) => {
      if (kind === "loaded") task.send({ kind: "tasks", items: [{ task: 0, attempt: 1 }] });
      // The worker never reads 4, so the writer waits there until its deadline.
      if (fd === 4) setTimeout(() => void task.kill(), 500);
    };
    const failure = await task.ended;
    assert.equal(code(failure), fd === 3 ? "user-error" : "task-crashed");
    const grownBytes = process.memoryUsage.rss() - beforeBytes;
    assert.ok(grownBytes < 128 << 20, `${fd}: ${grownBytes} bytes more`);
  }
});

test("X4: half a frame, then silence, is ended by the deadline like a loop", async (t) => {
  const run = `fs.writeSync(3, Buffer.from([9, 0])); await new Promise(() => {});`;
  const task = await startProcess(t, { top: `import fs from "node:fs";`, run });
  const early = await Promise.race([
    task.ended,
    new Promise((resolve) => {
      task.listen = (message) => {
        if (message.kind !== "loaded") return;
        task.send({ kind: "tasks", items: [{ task: 0, attempt: 1 }] });
        setTimeout(resolve, 100, "alive");
      };
    }),
  ]);
  assert.equal(early, "alive");
  await task.kill();
  assert.match((await task.ended).message, /SIGKILL/);
});

for (const sandbox of ["auto", "basic"] as const) {
  test(`W9, X4: job code that closes its channel ends its own process (${sandbox})`, async (t) => {
    const top = `import fs from "node:fs";`;
    const run = `fs.closeSync(3); await new Promise((r) => setTimeout(r, 500));`;
    const failure = await resultOf(t, { top, run, sandbox, limits: { muteMs: 50 } });
    assert.equal(code(failure), "user-error");
    assert.match((failure as Failure).message, /closed descriptor 3/);
  });
}

const floods: Readonly<Record<string, string>> = {
  "one file": `fs.appendFileSync("x", block);`,
  "many files": `fs.writeFileSync("x" + n, block);`,
  "empty files": `for (let k = 0; k < 100; k++) fs.writeFileSync(n + "-" + k, "");`,
  "files that are removed but open": `const file = fs.openSync("x" + n, "w");
    fs.unlinkSync("x" + n); fs.writeSync(file, block);`,
};

for (const sandbox of ["auto", "basic"] as const) {
  test(`W8: whatever fills the disk ends the process at its cap (${sandbox})`, async (t) => {
    const ends = Object.entries(floods).map(async ([name, flood]) => {
      if (name.startsWith("files that") && process.platform !== "linux") return;
      const run = `const block = Buffer.alloc(1 << 20);
        for (let n = 0; ; n++) { ${flood} await new Promise((r) => setTimeout(r, 2)); }`;
      const top = `import fs from "node:fs";`;
      const trial = { top, run, sandbox, scratchMaxBytes: 16 << 20, limits: quick };
      const { reports, failure } = await runItems(t, trial);
      const told = reports[0]?.kind === "failed" ? reports[0].failure : failure;
      assert.equal(code(told), "limit-exceeded", `${name}: ${JSON.stringify(told)}`);
      assert.match(String(told?.message), /--scratch/, name);
    });
    await Promise.all(ends);
  });

  test(`W8: one write larger than the cap is refused at it (${sandbox})`, async (t) => {
    if (process.platform !== "linux") return t.skip("needs prlimit");
    const run = `fs.writeFileSync("x", Buffer.alloc(4 << 20));`;
    const top = `import fs from "node:fs";`;
    const failure = await resultOf(t, { top, run, sandbox, scratchMaxBytes: 2 << 20 });
    assert.equal(code(failure), "limit-exceeded");
  });

  test(`W10: files of others, signals, processes, add-ons are denied (${sandbox})`, async (t) => {
    const own = fileURLToPath(new URL("../../../biome.json", import.meta.url));
    const tries = [
      `fs.readFileSync("/etc/passwd")`,
      `fs.readFileSync(${JSON.stringify(own)})`,
      `fs.readFileSync("/proc/self/environ")`,
      `fs.symlinkSync("/etc/passwd", "x")`,
      "process.kill(process.ppid, 0)",
      "process.kill(0, 'SIGTERM')",
      `process.kill(${process.pid}, 0)`,
      `(await import("node:child_process")).execSync("id")`,
      `new (await import("node:worker_threads")).Worker("", { eval: true })`,
      `process.binding("fs")`,
      `process.dlopen({ exports: {} }, "/none.node")`,
      `await import("node:sqlite")`,
    ];
    const trial = tries.map(
      (what) => `results.push(await (async () => { ${attempting(what)} })());`,
    );
    const run = `const results = []; ${trial.join("\n")} return results;`;
    const top = `import fs from "node:fs";`;
    const results = (await resultOf(t, { top, run, sandbox })) as string[];
    for (const [index, result] of results.entries()) {
      assert.match(result, /^ERR_(ACCESS_DENIED|DLOPEN|UNKNOWN_BUILTIN)/, tries[index]);
    }
  });

  test(`W10: a server on this machine is never reached (${sandbox})`, async (t) => {
    const { server, port } = await listening(t);
    let reached = 0;
    server.on("connection", (socket) => {
      reached += 1;
      socket.destroy();
    });
    const attempt = `await new Promise((ok, no) =>
      net.connect(${port}, "127.0.0.1", ok).on("error", no))`;
    const run = `const net = await import("node:net"); ${attempting(attempt)}`;
    assert.notEqual(await resultOf(t, { run, sandbox }), "done");
    const fetched = attempting(`await fetch("http://127.0.0.1:${port}/")`);
    assert.notEqual(await resultOf(t, { run: fetched, sandbox }), "done");
    assert.equal(reached, 0);
  });
}

test("W10: the environment has no secrets, and writing is for scratch only", async (t) => {
  process.env.WORKER_TEST_SECRET = "s3cret";
  t.after(() => delete process.env.WORKER_TEST_SECRET);
  const env = (await resultOf(t, { run: "return { ...process.env };" })) as Record<string, string>;
  assert.deepEqual(Object.keys(env).sort(), ["LANG", "PATH", "TZ"]);
  const paths = [join(tmpdir(), "x"), "../x", "../read/job.mjs", "x"];
  const run = `const results = [];
    for (const path of ${JSON.stringify(paths)}) {
      try { fs.writeFileSync(path, ""); results.push("written"); }
      catch (error) { results.push(error.code); }
    }
    return results;`;
  const denied = "ERR_ACCESS_DENIED";
  const results = await resultOf(t, { top: `import fs from "node:fs";`, run });
  assert.deepEqual(results, [denied, denied, denied, "written"]);
});

test("an endless loop dies with its supervisor, however that ends", async (t) => {
  if (process.platform !== "linux") return t.skip("needs a parent-death signal");
  const script = `
    import { startProcess } from ${JSON.stringify(new URL("./testing.ts", import.meta.url).href)};
    const task = await startProcess({ after() {} }, { run: "for (;;);" });
    task.listen = (message) => {
      if (message.kind !== "loaded") return;
      task.send({ kind: "tasks", items: [{ task: 0, attempt: 1 }] });
      console.log(task.pid);
    };`;
  const supervisor = spawn(process.execPath, ["--input-type=module", "-e", script]);
  t.after(() => supervisor.kill("SIGKILL"));
  const [line] = (await once(supervisor.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  supervisor.kill("SIGKILL");
  await once(supervisor, "close");
  await polled(
    async () => isAlive(pid),
    (alive) => !alive,
  );
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function listening(t: TestContext): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  return { server, port: (server.address() as { port: number }).port };
}
