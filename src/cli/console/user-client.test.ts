/** A user of the console against a scripted server: what is sent, what each answer becomes, and
 *  that nothing is left open. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { results } from "../../wire/console/testdata/golden.ts";
import { ConsoleFailure } from "./failure.ts";
import { directory, type Script, scriptedServer, userOf } from "./testing/scripted.ts";
import type { UserClient } from "./user-client.ts";

const never = new AbortController().signal;

/** Each operation as a user does it. */
function perform(client: UserClient, operation: string, file: string): Promise<unknown> {
  if (operation === "REGISTER") return client.register("ana");
  if (operation === "UNREGISTER") return client.unregister("ana");
  if (operation === "CONNECT") return client.connect("ana");
  if (operation === "DISCONNECT") return client.disconnect("ana");
  if (operation === "PUBLISH") return client.publish(file, "my file");
  if (operation === "DELETE") return client.delete(file);
  if (operation === "LIST_USERS") return client.listUsers();
  return client.listContent("eva");
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Sockets and servers that this process holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind)).length;
}

describe("every result", () => {
  for (const [operation, byte, outcome, sentence] of results) {
    if (operation === "GET_FILE") continue;
    it(`${operation} ${byte} becomes ${sentence}`, async (t) => {
      const server = await scriptedServer(t);
      const client = userOf(t, server.port);
      const file = join(directory(t), "a.txt");
      writeFileSync(file, "abc");
      if (!["REGISTER", "UNREGISTER", "CONNECT"].includes(operation)) await client.connect("ana");
      const list = outcome === "ok" && operation.startsWith("LIST") ? [0x30, 0] : [];
      server.answers.set(operation, Buffer.of(byte, ...list));
      const done = perform(client, operation, file);
      if (outcome === "ok") await done;
      else await assert.rejects(done, { name: "ConsoleFailure", outcome, message: sentence });
    });
  }
});

describe("what is sent", () => {
  it("strings in order, with the date-time of the clock and without", async (t) => {
    const server = await scriptedServer(t);
    const file = join(directory(t), "a.txt");
    writeFileSync(file, "abc");
    for (const clock of [null, async () => "21/11/2026 02:15:45"]) {
      server.asked.length = 0;
      const client = userOf(t, server.port, { clock });
      for (const list of ["LIST_USERS", "LIST_CONTENT"]) {
        server.answers.set(list, Buffer.from("\x000\0"));
      }
      const order = "REGISTER CONNECT PUBLISH LIST_USERS LIST_CONTENT DELETE DISCONNECT UNREGISTER";
      for (const operation of order.split(" ")) await perform(client, operation, file);
      const time = clock === null ? "" : "21/11/2026 02:15:45\0";
      assert.deepEqual(server.asked, [
        `REGISTER\0${time}ana\0`,
        `CONNECT\0${time}ana\0${server.connectedPort()}\0`,
        `PUBLISH\0${time}ana\0${file}\0my file\0`,
        `LIST_USERS\0${time}ana\0`,
        `LIST_CONTENT\0${time}ana\0eva\0`,
        `DELETE\0${time}ana\0${file}\0`,
        `DISCONNECT\0${time}ana\0`,
        `UNREGISTER\0${time}ana\0`,
      ]);
    }
  });

  it("who is not connected asks nothing in a user's name", async (t) => {
    const server = await scriptedServer(t);
    const client = userOf(t, server.port);
    for (const operation of ["PUBLISH", "DELETE", "LIST_USERS", "LIST_CONTENT"]) {
      const message = `${operation} FAIL, USER NOT CONNECTED`;
      await assert.rejects(perform(client, operation, "/a"), { message });
    }
    assert.deepEqual(server.asked, []);
  });
});

describe("T3.3: the listener", () => {
  const failures: [string, Script][] = [
    ["refused as unknown", Buffer.of(1)],
    ["refused as connected already", Buffer.of(2)],
    ["failed", Buffer.of(3)],
    ["answered with nonsense", Buffer.of(99)],
    ["answered in ASCII", Buffer.from("0\0")],
    ["closed without a byte", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["never answered", () => {}],
  ];
  for (const [title, script] of failures) {
    it(`T3.3: is closed when CONNECT is ${title}, and no handle remains`, async (t) => {
      const server = await scriptedServer(t);
      server.answers.set("CONNECT", script);
      const client = userOf(t, server.port, { timeoutMs: 200 });
      const before = handles();
      await assert.rejects(client.connect("ana"), ConsoleFailure);
      assert.equal(client.user, null);
      assert.equal(await isOpen(server.connectedPort()), false);
      while (handles() > before + 1) await new Promise((resolve) => setImmediate(resolve));
    });
  }

  it("T3.3: is closed with DISCONNECT, even when the server cannot be reached", async (t) => {
    const server = await scriptedServer(t);
    const client = userOf(t, server.port);
    for (const script of [Buffer.of(0), Buffer.of(2), (socket: Socket) => socket.destroy()]) {
      await client.connect("ana");
      assert.equal(await isOpen(server.connectedPort()), true);
      server.answers.set("DISCONNECT", script);
      await client.disconnect("ana").catch((error) => assert.ok(error instanceof ConsoleFailure));
      assert.equal(client.user, null);
      assert.equal(await isOpen(server.connectedPort()), false);
    }
  });

  it("T3.3: CONNECT twice keeps the one that is there, as another user it moves", async (t) => {
    const server = await scriptedServer(t);
    const client = userOf(t, server.port);
    await client.connect("ana");
    const port = server.connectedPort();
    server.answers.set("CONNECT", Buffer.of(2));
    await assert.rejects(client.connect("ana"), { message: "USER ALREADY CONNECTED" });
    assert.equal(server.connectedPort(), port);
    assert.equal(await isOpen(port), true);
    server.answers.delete("CONNECT");
    await client.connect("eva");
    assert.ok(server.asked.includes("DISCONNECT\0ana\0"));
    assert.equal(client.user, "eva");
    assert.equal(await isOpen(port), false);
  });

  it("T3.4: serves what was published, and nothing else, until it is deleted", async (t) => {
    const server = await scriptedServer(t);
    const dir = directory(t);
    const client = userOf(t, server.port, { dataDir: join(dir, "data") });
    const [file, other] = ["a.txt", "b.txt"].map((name) => join(dir, name)) as [string, string];
    for (const path of [file, other]) writeFileSync(path, "abc");
    await client.connect("ana");
    const port = () => server.connectedPort();
    const to = join(dir, "copy");
    const get = async (path: string) => {
      server.answers.set("LIST_USERS", Buffer.from(`\x001\0ana\x00127.0.0.1\0${port()}\0`));
      await client.getFile({ remote: "ana", path, to }, never, () => {});
      return readFileSync(to, "utf8");
    };
    const notThere = { message: "GET_FILE FAIL, FILE NOT EXIST" };
    await assert.rejects(get(file), notThere);
    await client.publish(file, "d");
    assert.equal(await get(file), "abc");
    for (const path of [other, "/etc/passwd", `${dir}/../${file}`]) {
      await assert.rejects(get(path), notThere, path);
    }
    const again = userOf(t, server.port, { dataDir: join(dir, "data") });
    await client.disconnect("ana");
    await again.connect("ana");
    server.answers.set("LIST_USERS", Buffer.from(`\x001\0ana\x00127.0.0.1\0${port()}\0`));
    await again.getFile({ remote: "ana", path: file, to }, never, () => {});
    await again.delete(file);
    await assert.rejects(
      again.getFile({ remote: "ana", path: file, to }, never, () => {}),
      notThere,
    );
  });
});

describe("GET_FILE", () => {
  it("leaves nothing of a file that does not come whole, and keeps what was there", async (t) => {
    const server = await scriptedServer(t);
    const dir = directory(t);
    const client = userOf(t, server.port);
    await client.connect("ana");
    const to = join(dir, "copy");
    writeFileSync(to, "old");
    for (const bytes of ["", "\x01", "\x02", "\x07", "\x00100\0abc", "\x00x\0abc", "\x0012"]) {
      const peer = createServer((socket) => {
        socket.on("error", () => {}).once("data", () => socket.end(Buffer.from(bytes)));
      }).listen(0, "127.0.0.1");
      await once(peer, "listening");
      const { port } = peer.address() as { port: number };
      server.answers.set("LIST_USERS", Buffer.from(`\x001\0eva\x00127.0.0.1\0${port}\0`));
      const got = client.getFile({ remote: "eva", path: "/x", to }, never, () => {});
      await assert.rejects(got, { operation: "GET_FILE" }, JSON.stringify(bytes));
      peer.close();
      assert.deepEqual(readdirSync(dir), ["copy"], JSON.stringify(bytes));
      assert.equal(readFileSync(to, "utf8"), "old");
    }
  });

  it("F6: a folder keeps the last part of the owner's name, which is never a path", async (t) => {
    const server = await scriptedServer(t);
    const dir = directory(t);
    const client = userOf(t, server.port);
    await client.connect("ana");
    const peer = createServer((socket) => {
      socket.once("data", () => socket.end(Buffer.from("\x003\0abc")));
    }).listen(0, "127.0.0.1");
    await once(peer, "listening");
    t.after(() => peer.close());
    const { port } = peer.address() as { port: number };
    server.answers.set("LIST_USERS", Buffer.from(`\x001\0eva\x00127.0.0.1\0${port}\0`));
    const get = (path: string) => client.getFile({ remote: "eva", path, to: dir }, never, () => {});
    assert.equal(await get("/srv/../x/a.txt"), join(dir, "a.txt"));
    assert.equal(await get("C:\\b.txt"), join(dir, "b.txt"));
    for (const path of ["/srv/..", "..", "/", "x\\..", "."]) {
      await assert.rejects(get(path), { operation: "GET_FILE", outcome: "other" }, path);
    }
    assert.deepEqual(readdirSync(dir).toSorted(), ["a.txt", "b.txt"]);
  });

  it("writes into a pipe, and follows or replaces no link", async (t) => {
    const server = await scriptedServer(t);
    const dir = directory(t);
    const client = userOf(t, server.port);
    await client.connect("ana");
    const peer = createServer((socket) => {
      socket.once("data", () => socket.end(Buffer.from("\x003\0abc")));
    }).listen(0, "127.0.0.1");
    await once(peer, "listening");
    t.after(() => peer.close());
    const { port } = peer.address() as { port: number };
    server.answers.set("LIST_USERS", Buffer.from(`\x001\0eva\x00127.0.0.1\0${port}\0`));
    const get = (to: string) => client.getFile({ remote: "eva", path: "/x", to }, never, () => {});
    const [pipe, link] = [join(dir, "pipe"), join(dir, "link")];
    execFileSync("mkfifo", [pipe]);
    symlinkSync("file", link);
    writeFileSync(join(dir, "file"), "old");
    const [read] = await Promise.all([readFile(pipe, "utf8"), get(pipe)]);
    assert.equal(read, "abc");
    await assert.rejects(get(link), { operation: "GET_FILE", detail: /is a link to file/ });
    assert.equal(readFileSync(join(dir, "file"), "utf8"), "old");
    assert.deepEqual(readdirSync(dir).toSorted(), ["file", "link", "pipe"]);
  });

  it("from a user that is not connected, or without a list, is a GET_FILE FAIL", async (t) => {
    const server = await scriptedServer(t);
    const client = userOf(t, server.port);
    await client.connect("ana");
    const to = join(directory(t), "copy");
    const get = () => client.getFile({ remote: "eva", path: "/x", to }, never, () => {});
    server.answers.set("LIST_USERS", Buffer.from("\x000\0"));
    await assert.rejects(get(), { message: "GET_FILE FAIL", detail: /eva is not connected/ });
    server.answers.set("LIST_USERS", Buffer.of(2));
    await assert.rejects(get(), { message: "GET_FILE FAIL", detail: /NOT CONNECTED/ });
  });
});
