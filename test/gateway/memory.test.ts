/** The memory of a gateway's process while clients send messages that never end. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { residentBytes } from "../../bench/memory.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { frameHead, opcodes, upgraded } from "./raw-socket.ts";
import { Client } from "./served.ts";

const connections = 400;
const halfBytes = 3_900_000;
/** Held for all connections together. */
const heldMaxBytes = 256 * 1024 * 1024;
/** Including what a gateway uses without any, and what was cut off and is not collected yet, which
 *  is less than all that arrived. */
const residentMaxBytes = 1.35e9;

test("T5.6: 1.5 GB of messages that never end leave a gateway bounded, and alive", {
  skip: !existsSync("/proc/self/stat") && "no /proc to see memory in",
  timeout: testMaxMs,
}, async (t) => {
  const place = new Place(t);
  const gateway = place.start("gateway", "--listen", "127.0.0.1:0", "--json");
  const { pid, url } = await announced<{ pid: number; url: string }>(gateway);
  const port = Number(new URL(url).port);
  const half = Buffer.alloc(halfBytes, " ");
  let cut = 0;
  for (let i = 0; i < connections; i++) {
    const { socket } = await upgraded(t, port);
    socket.once("close", () => cut++);
    socket.write(frameHead(opcodes.text, halfBytes + 1));
    await new Promise((resolve) => socket.write(half, resolve));
  }
  const heldBytes = async () => (connections - cut) * halfBytes;
  await polled(heldBytes, (bytes) => bytes <= heldMaxBytes);
  const resident = residentBytes(pid);
  assert.ok(resident <= residentMaxBytes, `${Math.round(resident / 1e6)} MB`);
  t.diagnostic(`${Math.round(resident / 1e6)} MB resident`);
  const client = await Client.open(t, port);
  client.say("ping");
  await client.next("pong");
});
