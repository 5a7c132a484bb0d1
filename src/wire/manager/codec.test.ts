/** The codec against the frames of existing implementations, both ways, and against malformed
 *  frames. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuMs } from "../../../test/fixtures/cpu-time.ts";
import fc from "../../../test/fixtures/fast-check.ts";
import { ClusterError } from "../../core/error.ts";
import { decodeFrames, decodeLinkFrame, encodeEnvelope } from "./codec.ts";
import { frameBytesMax, messagesPerFrameMax, tasksPerMessageMax } from "./limits.ts";
import type { Envelope, ManagerMessage } from "./messages.ts";
import { envelopeOf, envelopes, messages } from "./testdata/arbitrary.ts";
import { foreignTaskId, fromHex, oldFrames, ourFrames, toHex } from "./testdata/golden.ts";

const golden = [...oldFrames, ...ourFrames];
const plain = (message: ManagerMessage): Envelope => ({ requestId: null, answerTo: null, message });

function violates(hex: string | Uint8Array, what?: RegExp): void {
  const bytes = typeof hex === "string" ? fromHex(hex) : hex;
  assert.throws(
    () => decodeFrames(bytes),
    (error) => {
      assert.ok(error instanceof ClusterError, String(error));
      assert.equal(error.code, "protocol-violated");
      if (what !== undefined) assert.match(error.text, what);
      return true;
    },
  );
}

describe("golden frames", () => {
  for (const { name, hex, envelope } of golden) {
    it(`${name} is written byte for byte`, () => {
      assert.equal(toHex(encodeEnvelope(envelope)), hex);
    });
    it(`${name} is read`, () => {
      assert.deepEqual(decodeFrames(fromHex(hex)), [envelope]);
    });
    it(`${name} is read without its length`, () => {
      const bare = encodeEnvelope(envelope, false);
      assert.deepEqual(decodeLinkFrame(bare), {
        envelopes: [envelope],
        delimited: false,
        unknownCount: 0,
      });
    });
    it(`${name} cut at any byte is a violation`, () => {
      const whole = fromHex(hex);
      for (let length = 0; length < whole.length; length++) violates(whole.subarray(0, length));
    });
    it(`${name} in a Node buffer is read into plain arrays of its own`, () => {
      const buffer = Buffer.from(hex, "hex");
      const read = decodeFrames(buffer);
      buffer.fill(0);
      assert.deepEqual(read, [envelope]);
    });
  }

  it("a text keeps its byte order mark", () => {
    const fetched = decodeFrames(fromHex("0a3208a206053203efbbbf"))[0]!.message;
    assert.equal(fetched.kind === "managerAnswer" && fetched.welcome?.refusal, "\ufeff");
  });

  it("several frames in one message are read in order", () => {
    const all = fromHex(golden.map(({ hex }) => hex).join(""));
    assert.deepEqual(
      decodeFrames(all),
      golden.map(({ envelope }) => envelope),
    );
  });
});

describe("every message", () => {
  for (const [kind, message] of Object.entries(messages)) {
    it(`${kind} reads back as it was sent, with and without its length`, () => {
      fc.assert(
        fc.property(envelopeOf(message), (envelope) => {
          assert.deepEqual(decodeFrames(encodeEnvelope(envelope)), [envelope]);
          assert.deepEqual(decodeFrames(encodeEnvelope(envelope, false)), [envelope]);
        }),
        { numRuns: 100 },
      );
    });
  }

  it("cut anywhere is a violation, never another message", () => {
    fc.assert(
      fc.property(envelopes, fc.nat(), (envelope, at) => {
        const frame = encodeEnvelope(envelope);
        violates(frame.subarray(0, at % frame.length));
      }),
      { numRuns: 300 },
    );
  });
});

describe("what newer peers may add", () => {
  const ping = plain({ kind: "managerPing" });

  it("an unknown field of any wire type is skipped", () => {
    // Field 1000: varint, fixed64, bytes, fixed32, a group with a group in it.
    for (const field of ["c03e01", "c13e0102030405060708", "c23e020102", "c53e01020304"]) {
      assert.deepEqual(decodeFrames(frame(`4200${field}`)), [ping]);
    }
    assert.deepEqual(decodeFrames(frame("4200c33ec33e0801c43e0801c43e")), [ping]);
  });

  it("an unknown message is skipped, and the others are kept", () => {
    const unknown = "03c23f00";
    assert.deepEqual(decodeLinkFrame(fromHex(unknown)), {
      envelopes: [],
      delimited: true,
      unknownCount: 1,
    });
    assert.deepEqual(decodeLinkFrame(fromHex(`${unknown}024200`)), {
      envelopes: [ping],
      delimited: true,
      unknownCount: 1,
    });
    assert.equal(decodeLinkFrame(fromHex("00")).unknownCount, 1);
  });

  it("an unknown kind of error is an unknown error, an unknown kind of program a number", () => {
    const read = decodeFrames(frame("72022863"))[0]!.message;
    assert.deepEqual(read.kind === "taskStatus" && read.status.data, {
      kind: "error",
      error: "unknown",
    });
    const asked = decodeFrames(frame("2a0330ff01"))[0]!.message;
    assert.deepEqual(asked.kind === "managerRequest" && asked.programKinds, [255]);
  });

  it("program kinds are read packed and one by one, mixed too", () => {
    // One by one 100; packed 1, 0; one by one −1, which takes ten bytes.
    const kinds = "3064" + "32020100" + "30ffffffffffffffffff01";
    const asked = decodeFrames(frame(`2a11${kinds}`))[0]!.message;
    assert.deepEqual(asked.kind === "managerRequest" && asked.programKinds, [100, 1, 0, -1]);
  });

  function frame(wrapper: string): Uint8Array {
    return fromHex((wrapper.length / 2).toString(16).padStart(2, "0") + wrapper);
  }
});

describe("proto3", () => {
  it("the last of several singular fields counts, and the last case of a oneof", () => {
    // ManagerAnswer with accepted 1 and then 0.
    assert.deepEqual(decodeFrames(fromHex("06320408010800")), [
      plain({ kind: "managerAnswer", accepted: false, welcome: null }),
    ]);
    // ManagerPing and then Ack in one wrapper.
    assert.deepEqual(decodeFrames(fromHex("0442002200")), [plain({ kind: "ack" })]);
  });

  it("an empty status is unknown", () => {
    const read = decodeFrames(fromHex("027200"))[0]!.message;
    assert.deepEqual(read.kind === "taskStatus" && read.status.data, { kind: "unknown" });
  });

  it("overlong varints are read, as protobuf reads them", () => {
    assert.deepEqual(decodeFrames(fromHex("06320408818000")), [
      plain({ kind: "managerAnswer", accepted: true, welcome: null }),
    ]);
  });
});

describe("malformed frames", () => {
  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["nothing at all", "", /cut/],
    ["a length without its bytes", "05", /announced/],
    ["bytes after the last frame", "02420009", /announced/],
    ["a length above 2^53", "ffffffffffffffffff01", /above 2\^53/],
    ["a varint that never ends", "ff".repeat(11), /longer than 10 bytes/],
    ["a varint above 64 bits", "ffffffffffffffffff02", /above 64 bits/],
    ["field number 0", "020200", /field number 0/],
    ["wire type 6", "0146", /wire type 6/],
    ["wire type 7", "0147", /wire type 7/],
    ["a known field with another wire type", "024001", /wire type 0 instead of 2/],
    ["the end of a group that never began", "0144", /wire type 4/],
    ["a group without an end", "02c33e", /group without an end/],
    ["a group ended by another field", "04c33ecc3e", /ended by another field/],
    ["groups nested too deep", `ca01${"c33e".repeat(101)}`, /nested groups/],
    ["text that is not UTF-8", "0a3208a206053203ffffff", /not UTF-8/],
    ["a third type of node", "040a020802", /node type 2/],
    ["a number above 2^53", "0b2a0908ffffffffffffff7f", /above 2\^53/],
    ["a tag above 32 bits", "06ffffffff7f00", /out of range/],
  ];
  for (const [name, hex, what] of cases) {
    it(`${name}: a violation with a clear message`, () => violates(hex, what));
  }
});

describe("limits", () => {
  const tooMany = (count: number) =>
    plain({ kind: "tasksPing", taskIds: Array(count).fill(new Uint8Array(0)) });

  it("as many task ids as allowed are sent and read, one more is refused on both sides", () => {
    const most = encodeEnvelope(tooMany(tasksPerMessageMax));
    const read = decodeFrames(most)[0]!.message;
    assert.equal(read.kind === "tasksPing" && read.taskIds.length, tasksPerMessageMax);
    assert.throws(() => encodeEnvelope(tooMany(tasksPerMessageMax + 1)), /limit-exceeded/);
    const content = `0a00`.repeat(tasksPerMessageMax + 1);
    violates(delimit(delimit(fromHex(content), 0x5a)), /more than 100000/);
  });

  it("a frame of the largest size is sent and read, one byte more is refused on both sides", () => {
    // Tags and lengths: frame 4, wrapper 2 + 4, notes 1 + 4.
    const overhead = 15;
    const notes = (size: number) =>
      plain({ kind: "workerNotes", notes: new Uint8Array(size - overhead) });
    const largest = encodeEnvelope(notes(frameBytesMax));
    assert.equal(largest.length, frameBytesMax);
    assert.equal(decodeFrames(largest).length, 1);
    assert.throws(() => encodeEnvelope(notes(frameBytesMax + 1)), /limit-exceeded/);
    violates(new Uint8Array(frameBytesMax + 1), /at most 8388608/);
  });

  it("the number of frames in one message is limited", () => {
    const pings = (count: number) => fromHex("024200".repeat(count));
    assert.equal(decodeFrames(pings(messagesPerFrameMax)).length, messagesPerFrameMax);
    violates(pings(messagesPerFrameMax + 1), /more than 1024 messages/);
  });

  it("a text or a task id above its limit is neither sent nor read", () => {
    const long = "x".repeat(64 * 1024 + 1);
    const addresses = plain({
      kind: "managerAnswer",
      accepted: false,
      welcome: {
        workerId: "",
        credential: "",
        epoch: 0,
        leaseMs: 0,
        heartbeatMs: 0,
        fill: new Uint8Array(0),
        refusal: long,
        version: "",
        readsLists: false,
      },
    });
    assert.throws(() => encodeEnvelope(addresses), /limit-exceeded/);
    const ids = plain({ kind: "tasksPing", taskIds: [new Uint8Array(129)] });
    assert.throws(() => encodeEnvelope(ids), /limit-exceeded/);
    violates(delimit(delimit(delimit(new Uint8Array(129), 0x0a), 0x5a)), /129 bytes/);
  });
});

it("50,000 statuses are written and read in less than a second of the processor", () => {
  const status = {
    taskId: foreignTaskId,
    data: { kind: "started", unixS: 1_600_000_000 },
    report: new Uint8Array(0),
  } as const;
  const statuses = Array(50_000).fill(status);
  let read: Envelope | undefined;
  const tookMs = cpuMs(() => {
    [read] = decodeFrames(encodeEnvelope(plain({ kind: "taskStatuses", statuses })));
  });
  assert.equal(read?.message.kind === "taskStatuses" && read.message.statuses.length, 50_000);
  assert.ok(tookMs < 1000, `50,000 statuses took ${tookMs} ms`);
});

/** `content` after its length, and after the tag of a field when one is given. */
function delimit(content: Uint8Array, tag?: number): Uint8Array {
  const head = tag === undefined ? [] : [tag];
  let rest = content.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  const framed = new Uint8Array(head.length + 1 + content.length);
  framed.set([...head, rest]);
  framed.set(content, head.length + 1);
  return framed;
}
