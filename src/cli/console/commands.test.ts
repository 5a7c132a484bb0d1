/** What is typed at the console, what Tab makes of it, and where the time comes from. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { looksLikeDateTime } from "../../wire/console/date-time.ts";
import { defaultTimeCall } from "../../wire/console/soap.ts";
import { serviceClock } from "./clock.ts";
import { consoleCommands, helpLines, readLine } from "./commands.ts";
import { complete } from "./completion.ts";
import { directory } from "./testing/scripted.ts";

function typed(line: string): unknown[] {
  const read = readLine(line);
  return read.kind === "command" ? [read.command.name, ...read.words] : [read.kind];
}

describe("a line", () => {
  it("is a command in any case, with a blank in the place of _", () => {
    assert.deepEqual(typed("register ana"), ["REGISTER", "ana"]);
    assert.deepEqual(typed("  LIST_USERS  "), ["LIST_USERS"]);
    assert.deepEqual(typed("list users"), ["LIST_USERS"]);
    assert.deepEqual(typed("List Content eva"), ["LIST_CONTENT", "eva"]);
    assert.deepEqual(typed("GET FILE eva /a b"), ["GET_FILE", "eva", "/a", "b"]);
    assert.deepEqual(typed("quit"), ["quit"]);
    assert.deepEqual(typed("Help"), ["help"]);
    assert.deepEqual(typed("   "), ["nothing"]);
  });

  it("a description is the rest as it was typed; quotes hold a path together", () => {
    const line = `PUBLISH "/srv/my notes.txt" it's "quite"  long `;
    assert.deepEqual(typed(line), ["PUBLISH", "/srv/my notes.txt", `it's "quite"  long`]);
    assert.deepEqual(typed(`DELETE /it's`), ["DELETE", "/it's"]);
  });

  it("too few or too many words print the usage, as existing clients do", () => {
    for (const { name, usage, words } of consoleCommands) {
      const mistake = { kind: "mistake", text: `Syntax error. Usage: ${usage}` };
      if (words.length > 0) assert.deepEqual(readLine(name), mistake);
      const many = [name, ...words.map(() => "x"), "y"].join(" ");
      if (name !== "PUBLISH") assert.deepEqual(readLine(many), mistake);
    }
    assert.deepEqual(readLine("QUIT now"), { kind: "mistake", text: "Syntax error. Use: QUIT" });
    const unknown = readLine("FOR\x1bMAT c:");
    assert.match(unknown.kind === "mistake" ? unknown.text : "", /command FOR\\x1bMAT not valid/);
  });

  it("help names every command", () => {
    const text = helpLines().join("\n");
    for (const { usage } of consoleCommands) assert.ok(text.includes(usage));
    assert.match(text, /QUIT/);
    for (const line of helpLines()) assert.ok(line.length < 80, line);
  });
});

describe("Tab", () => {
  const seen = {
    users: new Set(["ana", "andrés", "eva"]),
    content: new Map([["eva", ["/srv/a.txt", "/srv/b c.txt"]]]),
  };
  const sources = { seen, published: () => ["/pub/one", "/pub/two"] };

  it("offers commands, users, what is published, and what a user offers", () => {
    assert.deepEqual(complete("li", sources)[0], ["LIST_USERS ", "LIST_CONTENT "]);
    assert.deepEqual(complete("CONNECT an", sources), [["ana ", "andrés "], "an"]);
    assert.deepEqual(complete("DELETE /pub/t", sources)[0], ["/pub/two "]);
    assert.deepEqual(complete("GET_FILE eva ", sources)[0], ["/srv/a.txt ", '"/srv/b c.txt" ']);
    assert.deepEqual(complete("LIST_USERS x", sources)[0], []);
  });

  it("offers files of this machine, folders without a blank after them", (t) => {
    const dir = directory(t);
    writeFileSync(join(dir, "note.txt"), "");
    mkdirSync(join(dir, "nothing"));
    const [found] = complete(`PUBLISH ${dir}/no`, sources);
    assert.deepEqual(found.toSorted(), [`${dir}/note.txt `, `${dir}/nothing/`]);
    assert.deepEqual(complete("PUBLISH /no/such/folder/x", sources)[0], []);
  });
});

describe("the time service", () => {
  async function service(t: TestContext, answer: (body: string) => [number, string]) {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (text) => {
        body += text;
      });
      request.on("end", () => {
        const [status, text] = request.method === "POST" ? answer(body) : [405, ""];
        response.writeHead(status).end(text);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  }
  const envelope = (time: string) =>
    `<e:Envelope><t:get_datetimeResult>${time}</t:get_datetimeResult></e:Envelope>`;

  it("is asked by SOAP, and its time is taken", async (t) => {
    const url = await service(t, (body) => {
      assert.match(body, /xmlns:t="spyne.examples.datetime".*<t:get_datetime\/>/);
      return [200, envelope("21/11/2026 02:15:45")];
    });
    const onNote = () => assert.fail("nothing is wrong");
    const clock = serviceClock({ url, call: defaultTimeCall, timeoutMs: waitMaxMs, onNote });
    assert.equal(await clock(), "21/11/2026 02:15:45");
  });

  it("is replaced by our own clock when it fails or is invalid, and reported once", async (t) => {
    const answers: [number, string][] = [
      [500, "oh"],
      [200, envelope("now")],
      [200, "x".repeat(200_000)],
    ];
    const urls = await Promise.all(answers.map((answer) => service(t, () => answer)));
    for (const url of [...urls, "http://127.0.0.1:1/"]) {
      const notes: string[] = [];
      const onNote = (text: string) => void notes.push(text);
      const clock = serviceClock({ url, call: defaultTimeCall, timeoutMs: waitMaxMs, onNote });
      assert.ok(looksLikeDateTime(await clock()));
      await clock();
      assert.equal(notes.length, 1, url);
    }
  });

  it("that is silent is not waited for; a URL that is none is refused", async (t) => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close().closeAllConnections());
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
    const options = { call: defaultTimeCall, timeoutMs: 50, onNote() {} };
    assert.ok(looksLikeDateTime(await serviceClock({ ...options, url })()));
    for (const bad of ["ftp://x/", "time", "file:///etc/passwd"]) {
      assert.throws(() => serviceClock({ ...options, url: bad }), { code: "bad-request" });
    }
  });
});
