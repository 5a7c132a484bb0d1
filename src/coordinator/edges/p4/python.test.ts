/** An independent client of the control channel: Python's own HTTP, and requests where it is
 *  installed, calling as existing peers do. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { waitMaxMs } from "../../../store/testing/patience.ts";
import { p4Opened } from "../../members/testing/p4-client.ts";

const run = promisify(execFile);

/** The calls of an existing peer from its start to its end. */
const peer = `
import json, sys
port = int(sys.argv[1])
try:
    import requests
    def call(method, path, body):
        answer = requests.request(method, f"http://127.0.0.1:{port}{path}", json=body)
        return answer.status_code, answer.json()
    using = "requests"
except ImportError:
    import http.client
    def call(method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    using = "http.client"
me = {"client_id": "node", "ip": "127.0.0.1", "port": 8001, "genericToken": "secret"}
said = [call("POST", "/register", me), call("POST", "/register", me)]
token = said[0][1]["token"]
for name in ["a.txt", "b.txt"]:
    said.append(call("POST", "/add_file", {"token": token, "file_name": name}))
said.append(call("GET", "/get_files", {"token": token}))
status, found = call("GET", "/get_file", {"token": token, "file_name": "b.txt"})
said.append((status, found["file_address"]))
said.append(call("GET", "/get_file", {"token": token, "file_name": "c.txt"}))
said.append(call("POST", "/unregister", {"token": token}))
said.append(call("GET", "/get_files", {"token": token}))
quoted = call("POST", "/register", {**me, "client_id": "quoted", "port": "8002"})[1]["token"]
call("POST", "/add_file", {"token": quoted, "file_name": "q.txt"})
said.append(call("GET", "/get_file", {"token": quoted, "file_name": "q.txt"})[1]["file_address"])
print(json.dumps({"using": using, "said": said}))
`;

function pythons(): string[] {
  return ["python3", "/usr/bin/python3"].filter((python) => {
    try {
      execFileSync(python, ["-c", "import http.client"], { stdio: "ignore", timeout: waitMaxMs });
      return true;
    } catch {
      return false;
    }
  });
}

test("an existing peer in Python registers, offers, finds and leaves", async (t: TestContext) => {
  const [python] = pythons();
  if (python === undefined) return t.skip("python3 is not installed");
  const { main, own } = await p4Opened(t);
  const { stdout } = await run(python, ["-c", peer, String(own.port)], { timeout: waitMaxMs });
  const { said, using } = JSON.parse(stdout);
  t.diagnostic(`with ${using}`);
  const [[registered, { token }], ...others] = said;
  assert.equal(registered, 200);
  assert.match(token, /^[0-9a-f]{64}$/);
  assert.deepEqual(others, [
    [400, { message: "Peer already registered" }],
    [200, { message: "File added" }],
    [200, { message: "File added" }],
    [200, { files: ["a.txt", "b.txt"] }],
    [200, "grpc://127.0.0.1:8001/b.txt"],
    [404, { message: "File not found" }],
    [200, { message: "Peer unregistered" }],
    [404, { message: "Peer not found" }],
    "grpc://127.0.0.1:8002/q.txt",
  ]);
  assert.equal((await main.post("/heartbeat", { token })).status, 404);
});
