/** The server of the console protocol against a client written from the notes: every operation,
 *  every code. */
import assert from "node:assert/strict";
import { once as happens } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, it } from "node:test";
import { rawAnswer } from "../../../peer/testing/raw-answer.ts";
import { polled } from "../../../store/testing/polled.ts";
import { malformed } from "../../../wire/console/testdata/golden.ts";
import { realTimers } from "../../loop/timers.ts";
import { readOperations } from "./operations-log.ts";
import { ProbedPresence } from "./presence.ts";
import { kept, listener, type RawServer, rawServer } from "./testing/raw.ts";

const dateTime = "21/11/2026 02:15:45";

/** alice and bob are registered, alice is connected and has published two files. */
async function village(server: RawServer): Promise<void> {
  for (const user of ["alice", "bob"]) assert.equal(await server.code("REGISTER", user), 0);
  assert.equal(await server.code("CONNECT", "alice", "50161"), 0);
  for (const path of ["/z.txt", "/a.txt"]) {
    assert.equal(await server.code("PUBLISH", "alice", path, "a file"), 0);
  }
}

/** Each with its strings and its result, in the state made by `village`. */
const cases: readonly (readonly [number, ...string[]])[] = [
  [0, "REGISTER", "carol"],
  [1, "REGISTER", "alice"],
  [2, "REGISTER", "al\x1bice"],
  [0, "UNREGISTER", "bob"],
  [0, "UNREGISTER", "alice"],
  [1, "UNREGISTER", "nobody"],
  [2, "UNREGISTER", ""],
  [0, "CONNECT", "bob", "33067"],
  [1, "CONNECT", "nobody", "33067"],
  [2, "CONNECT", "alice", "33067"],
  [3, "CONNECT", "bob", "0"],
  [0, "PUBLISH", "alice", "/new.txt", "d"],
  [0, "PUBLISH", "alice", "/new.txt", ""],
  [1, "PUBLISH", "nobody", "/new.txt", "d"],
  [2, "PUBLISH", "bob", "/new.txt", "d"],
  [3, "PUBLISH", "alice", "/a.txt", "other words"],
  [4, "PUBLISH", "alice", "", "d"],
  [0, "DELETE", "alice", "/a.txt"],
  [1, "DELETE", "nobody", "/a.txt"],
  [2, "DELETE", "bob", "/a.txt"],
  [3, "DELETE", "alice", "/b.txt"],
  [1, "LIST_USERS", "nobody"],
  [2, "LIST_USERS", "bob"],
  [3, "LIST_USERS", "al\x07ice"],
  [1, "LIST_CONTENT", "nobody", "alice"],
  [2, "LIST_CONTENT", "bob", "alice"],
  [3, "LIST_CONTENT", "alice", "nobody"],
  [4, "LIST_CONTENT", "al\x07ice", "alice"],
  [1, "LIST USERS", "nobody"],
  [3, "LIST CONTENT", "alice", "nobody"],
  [0, "DISCONNECT", "alice"],
  [1, "DISCONNECT", "nobody"],
  [2, "DISCONNECT", "bob"],
  [3, "DISCONNECT", "al\x07ice"],
];

const once = { doubtfulMs: 50 };

describe("codes", () => {
  for (const [code, operation, ...strings] of cases) {
    it(`${operation} ${JSON.stringify(strings)} is ${code}, dated and not`, async (t) => {
      for (const extra of [[], [dateTime]]) {
        const server = await rawServer(t, { limits: once });
        await village(server);
        assert.equal(await server.code(operation!, ...extra, ...strings), code);
        await server.stop();
      }
    });
  }
});

describe("lists", () => {
  it("users by registration with their addresses, files by publication", async (t) => {
    const server = await rawServer(t);
    await village(server);
    await server.code("CONNECT", dateTime, "bob", "33067");
    const users = "\x002\0alice\x00127.0.0.1\x0050161\0bob\x00127.0.0.1\x0033067\0";
    assert.equal(await server.say("LIST_USERS", "bob"), users);
    assert.equal(await server.say("LIST USERS", dateTime, "bob"), users);
    const files = "\x002\0/z.txt\0/a.txt\0";
    assert.equal(await server.say("LIST_CONTENT", "bob", "alice"), files);
    assert.equal(await server.say("LIST CONTENT", dateTime, "bob", "alice"), files);
    assert.equal(await server.say("LIST_CONTENT", "alice", "bob"), "\x000\0");
  });

  it("files survive DISCONNECT, and are gone with UNREGISTER", async (t) => {
    const server = await rawServer(t);
    await village(server);
    await server.code("CONNECT", "bob", "33067");
    assert.equal(await server.code("DISCONNECT", "alice"), 0);
    assert.equal(await server.say("LIST_CONTENT", "bob", "alice"), "\x002\0/z.txt\0/a.txt\0");
    assert.equal(await server.code("DELETE", "alice", "/z.txt"), 2);
    assert.equal(await server.code("UNREGISTER", "alice"), 0);
    assert.equal(await server.code("LIST_CONTENT", "bob", "alice"), 3);
    assert.equal(await server.code("REGISTER", "alice"), 0);
    assert.equal(await server.say("LIST_CONTENT", "bob", "alice"), "\x000\0");
  });

  it("a list of many files reaches a client that reads slowly, whole", async (t) => {
    const server = await rawServer(t);
    await village(server);
    const long = `/${"d".repeat(200)}/`;
    const files = Array.from({ length: 20_000 }, (_, n) => `${long}${n}`);
    const shared = files.map((name) => ({ name, description: "", root: null, sizeBytes: null }));
    await server.members.publish("alice", shared, "replace");
    const answer = await server.say("LIST_CONTENT", "alice", "alice");
    assert.equal(answer, `\x0020000\0${files.map((name) => `${name}\0`).join("")}`);
  });
});

describe("the connection", () => {
  it("requests may come byte by byte, and half closed", async (t) => {
    const server = await rawServer(t);
    assert.deepEqual(await server.bytes(...`REGISTER\0${dateTime}\0ana\0`), Buffer.of(0));
    const address = { host: "127.0.0.1", port: server.port };
    assert.deepEqual(await rawAnswer(address, ["REGISTER\0eva\0"], true), Buffer.of(0));
    assert.equal(await server.code("REGISTER", "ana"), 1);
    assert.equal(await server.code("REGISTER", "eva"), 1);
  });

  it("T3.1: a malformed request is answered with its other code and changes nothing", async (t) => {
    const server = await rawServer(t);
    await village(server);
    const others: Readonly<Record<string, number>> = { CONNECT: 3, PUBLISH: 4 };
    for (const [title, bytes, operation] of malformed) {
      const expected = Buffer.of(others[operation ?? ""] ?? 2);
      // Bytes that have not arrived yet cannot be refused.
      const pieces = title === "a name too many" ? [bytes] : [bytes.slice(0, 5), bytes.slice(5)];
      assert.deepEqual(await server.bytes(...pieces), expected, title);
    }
    const names = server.members.list().map(({ name, files }) => `${name} ${files.size}`);
    assert.deepEqual(names, ["alice 2", "bob 0"]);
  });

  it("T3.1: a request that ends early is answered, closed or not", async (t) => {
    const server = await rawServer(t, { limits: { requestMs: 2_000, doubtfulMs: 50 } });
    const address = { host: "127.0.0.1", port: server.port };
    const early: [string, number][] = [
      [`PUBLISH\0${dateTime}\0`, 4],
      [`DISCONNECT\0${dateTime}\0`, 3],
      [`LIST_USERS\0${dateTime}\0`, 3],
      ["REGISTER\0", 2],
      ["REGISTER\0\0", 2],
      ["REGIS", 2],
      ["", 2],
    ];
    const answered = async ([text, code]: (typeof early)[number]) => {
      assert.deepEqual(await rawAnswer(address, [text], true), Buffer.of(code), text);
      assert.deepEqual(await rawAnswer(address, [text]), Buffer.of(code), text);
    };
    await Promise.all(early.map(answered));
    assert.equal(await server.code("REGISTER", "ana"), 0);
  });

  it("T3.1: silent and incomplete requests do not keep others from being served", async (t) => {
    const server = await rawServer(t, { limits: { requestMs: 2_000 } });
    const address = { host: "127.0.0.1", port: server.port };
    const slow = Array.from({ length: 100 }, () => rawAnswer(address, ["CONNECT\0ana\0"]));
    assert.equal(await server.code("REGISTER", "ana"), 0);
    for (const answer of await Promise.all(slow)) assert.deepEqual(answer, Buffer.of(3));
  });

  it("GET_FILE is not an operation of the server", async (t) => {
    const server = await rawServer(t);
    assert.equal(await server.code("GET_FILE", "/etc/passwd"), 2);
  });

  it("an explicit setting accepts any date-time, or none", async (t) => {
    const always = await rawServer(t, { dateTime: "always" });
    assert.equal(await always.code("REGISTER", "now", "ana"), 0);
    assert.deepEqual(
      always.members.list().map(({ name }) => name),
      ["ana"],
    );
    const never = await rawServer(t, { dateTime: "never" });
    assert.equal(await never.code("REGISTER", "a/b/c"), 0);
    assert.equal(await never.code("REGISTER", dateTime), 2);
  });
});

describe("who is connected", () => {
  it("T3.3: CONNECT twice is 2 as long as the listener answers, from any client", async (t) => {
    const server = await rawServer(t, { presence: { everyMs: 0, graceMs: 0 } });
    const first = await listener(t);
    await server.code("REGISTER", "ana");
    assert.equal(await server.code("CONNECT", "ana", String(first.port)), 0);
    assert.equal(await server.code("CONNECT", "ana", "33067"), 2);
    assert.deepEqual(first.asked, ["GET_FILE\0/presence-probe.absent\0"]);
    await first.close();
    assert.equal(await server.code("CONNECT", "ana", "33067"), 0);
    assert.equal(server.members.find("ana")?.address?.port, 33_067);
  });

  it("T3.3: of many CONNECTs at once one succeeds", async (t) => {
    const server = await rawServer(t);
    await server.code("REGISTER", "ana");
    const ports = Array.from({ length: 20 }, (_, n) => String(40_000 + n));
    const codes = await Promise.all(ports.map((port) => server.code("CONNECT", "ana", port)));
    assert.deepEqual(codes.toSorted(), [0, ...Array(19).fill(2)]);
  });

  it("T3.3: a killed client is no longer connected, the living stay", async (t) => {
    const server = await rawServer(t, { presence: { everyMs: 20, graceMs: 0 } });
    const alive = await listener(t);
    const dead = await listener(t);
    for (const [user, port] of [
      ["ana", alive.port],
      ["eva", dead.port],
    ] as const) {
      await server.code("REGISTER", user);
      await server.code("CONNECT", user, String(port));
    }
    await dead.close();
    const line = `ana\x00127.0.0.1\0${alive.port}\0`;
    await polled(
      () => server.say("LIST_USERS", "ana"),
      (listed) => listed === `\x001\0${line}`,
    );
    assert.equal(await server.code("DISCONNECT", "eva"), 2);
    assert.ok(alive.asked.length > 0);
  });

  it("T3.3: a client that takes connections stays, though it answers nothing", async (t) => {
    const limits = { everyMs: 0, graceMs: 0, probeMs: 20 };
    const server = await rawServer(t, { presence: limits });
    const { members } = server;
    const presence = new ProbedPresence({ members, timers: realTimers, limits });
    const mute = createServer((socket) => void socket.on("error", () => {}).resume());
    t.after(() => void mute.close());
    mute.listen(0, "127.0.0.1");
    await happens(mute, "listening");
    const { port } = mute.address() as AddressInfo;
    await server.code("REGISTER", "ana");
    await server.code("CONNECT", "ana", String(port));
    for (let round = 0; round < 4; round += 1) await presence.tryAll();
    assert.equal(await server.code("CONNECT", "ana", "33067"), 2);
    await new Promise((closed) => mute.close(closed));
    await presence.tryAll();
    assert.equal(members.find("ana")?.address?.port, port);
    await presence.tryAll();
    assert.equal(members.find("ana")?.address, null);
    await presence.stop();
  });

  it("T3.3: UNREGISTER of a connected user is allowed, and its name is free again", async (t) => {
    const server = await rawServer(t);
    await village(server);
    assert.equal(await server.code("UNREGISTER", "alice"), 0);
    assert.equal(await server.code("DISCONNECT", "alice"), 1);
    assert.equal(await server.code("REGISTER", "alice"), 0);
    assert.equal(await server.code("LIST_USERS", "alice"), 2);
  });

  it("users, files and connections are there after a restart", async (t) => {
    const same = kept(t);
    const first = await rawServer(t, {}, same);
    await village(first);
    await first.stop();
    const second = await rawServer(t, {}, same);
    assert.equal(await second.code("REGISTER", "bob"), 1);
    assert.equal(await second.say("LIST_CONTENT", "alice", "alice"), "\x002\0/z.txt\0/a.txt\0");
    assert.equal(await second.say("LIST_USERS", "alice"), "\x001\0alice\x00127.0.0.1\x0050161\0");
  });

  it("T3.2: the host is the one of the connection, over IPv6 too", async (t) => {
    const server = await rawServer(t, { host: "::" });
    assert.equal(await server.code("REGISTER", "ana"), 0);
    assert.equal(await server.code("CONNECT", "ana", "50161"), 0);
    assert.equal(server.members.find("ana")?.address?.host, "127.0.0.1");
    const request = "REGISTER\0eva\0";
    const overSix = { host: "::1", port: server.port };
    assert.deepEqual(await rawAnswer(overSix, [request]), Buffer.of(0));
    assert.deepEqual(await rawAnswer(overSix, ["CONNECT\0eva\x0050162\0"]), Buffer.of(0));
    assert.equal(server.members.find("eva")?.address?.host, "::1");
  });
});

describe("members of P4", () => {
  it("are visible to the console, which never acts for them", async (t) => {
    const server = await rawServer(t);
    await village(server);
    const address = { host: "10.0.0.7", port: 8_001 };
    const peer = { name: "node-7", owner: "ann", admittedBy: "", address, ttlMs: 60_000 };
    await server.members.registerPeer(peer);
    const file = { name: "data/a b.bin", description: "", root: null, sizeBytes: 5 };
    await server.members.publish("node-7", [file], "renew");
    const users = "\x002\0alice\x00127.0.0.1\x0050161\0node-7\x0010.0.0.7\x008001\0";
    assert.equal(await server.say("LIST_USERS", "alice"), users);
    assert.equal(await server.say("LIST_CONTENT", "alice", "node-7"), "\x001\0data/a b.bin\0");
    assert.equal(await server.code("REGISTER", "node-7"), 1);
    assert.equal(await server.code("UNREGISTER", "node-7"), 1);
    assert.equal(await server.code("CONNECT", "node-7", "80"), 1);
    assert.equal(await server.code("DISCONNECT", "node-7"), 1);
    assert.equal(await server.code("PUBLISH", "node-7", "/x", "d"), 1);
    assert.equal(server.members.find("node-7")?.files.size, 1);
  });

  it("a file that a user of the console publishes is in the catalogue", async (t) => {
    const server = await rawServer(t);
    await village(server);
    const [source] = server.members.sources({ name: "/a.txt" });
    assert.deepEqual(source?.owner.address, { host: "127.0.0.1", port: 50_161 });
    assert.equal(source?.file.description, "a file");
  });
});

describe("what is printed and kept", () => {
  it("every operation, with names that cannot control the terminal", async (t) => {
    const server = await rawServer(t);
    await server.code("REGISTER", dateTime, "ana");
    await server.code("PUBLISH", dateTime, "ana", "/a", "d");
    await server.code("REGISTER", "a\x1b[31m\nb");
    await server.code("FORMAT");
    assert.deepEqual(server.lines, [
      `init server 127.0.0.1:${server.port}`,
      "OPERATION REGISTER FROM ana",
      "OPERATION PUBLISH FROM ana",
      "OPERATION REGISTER FROM a\\u{1b}[31m\\u{a}b",
    ]);
    await server.stop();
    const found = readOperations(server.dataDir);
    assert.deepEqual(
      found.map(({ operation, user, file, outcome }) => [operation, user, file, outcome]),
      [
        ["REGISTER", "ana", "", "ok"],
        ["PUBLISH", "ana", "/a", "not-connected"],
        ["REGISTER", "a\x1b[31m\nb", "", "other"],
        [null, "", "", "other"],
      ],
    );
    assert.equal(found[0]?.dateTime, dateTime);
    assert.equal(found[0]?.host, "127.0.0.1");
    assert.match(found[0]?.at ?? "", /^20\d\d-.*Z$/);
  });

  it("C1: what was answered is in the log, whenever the coordinator is killed", async (t) => {
    const server = await rawServer(t);
    for (let n = 1; n <= 20; n += 1) {
      const answered = new Promise<Buffer>((resolve) => {
        const socket = connect(server.port, "127.0.0.1").once("data", (answer) => {
          // A kill at this moment would leave what the file has now.
          found = readOperations(server.dataDir).length;
          socket.destroy();
          resolve(answer);
        });
        socket.write(n % 2 === 0 ? "FORMAT\0" : `REGISTER\0user-${n}\0`);
      });
      let found = 0;
      await answered;
      assert.equal(found, n);
    }
  });

  it("T3.4: confined to named users, all others are answered other", async (t) => {
    const server = await rawServer(t, { users: ["ana"] });
    assert.equal(await server.code("REGISTER", "ana"), 0);
    assert.equal(await server.code("REGISTER", "eva"), 2);
    assert.equal(await server.code("CONNECT", "eva", "80"), 3);
    assert.equal(await server.code("UNREGISTER", "eva"), 2);
    assert.deepEqual(
      server.members.list().map(({ name }) => name),
      ["ana"],
    );
  });

  it("T3.4: by default it listens on this machine alone", async (t) => {
    const server = await rawServer(t);
    assert.equal(server.lines[0], `init server 127.0.0.1:${server.port}`);
    const taken = rawServer(t, { port: server.port });
    await assert.rejects(taken, { code: "conflict", message: /--console-port/ });
  });
});
