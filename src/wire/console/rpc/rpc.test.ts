/** ONC-RPC calls byte for byte, and every answer that a log service or portmapper may send. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rpcAnswerBytesMax } from "../limits.ts";
import { encodeLogCall, encodePortCall, logOperation, RpcAnswers } from "./messages.ts";
import { encodeXdr } from "./xdr.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const unhex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));

/** As one record. */
function record(...values: readonly (number | string)[]): Uint8Array {
  const body = encodeXdr(values);
  return Uint8Array.from(Buffer.concat([encodeXdr([0x80000000 + body.length]), body]));
}
const answer = (xid: number, value: number) => record(xid, 1, 0, 0, 0, 0, value);

describe("calls", () => {
  it("the portmapper is asked for a TCP port, as rpcinfo asks it", () => {
    const expected =
      "80000038 00000007 00000000 00000002 000186a0 00000002 00000003" +
      "00000000 00000000 00000000 00000000 0007909f 00000001 00000006 00000000";
    assert.equal(hex(encodePortCall(7, logOperation)), expected.replaceAll(" ", ""));
  });

  it("an operation is four strings, padded to four bytes", () => {
    const logged = { user: "ana", operation: "PUBLISH", file: "", dateTime: "1/2/3 4" };
    const expected =
      "8000004c 00000008 00000000 00000002 0007909f 00000001 00000001" +
      "00000000 00000000 00000000 00000000" +
      "00000003 616e6100 00000007 5055424c49534800 00000000 00000007 312f322f33203400";
    assert.equal(hex(encodeLogCall(8, logged)), expected.replaceAll(" ", ""));
  });
});

describe("answers", () => {
  it("are read whole, byte by byte, in fragments, and several at once", () => {
    const bytes = Uint8Array.from(Buffer.concat([answer(7, 3_003), answer(8, 2)]));
    const expected = [
      { xid: 7, value: 3_003 },
      { xid: 8, value: 2 },
    ];
    assert.deepEqual(new RpcAnswers().push(bytes), expected);
    const slow = new RpcAnswers();
    assert.deepEqual(
      [...bytes].flatMap((byte) => slow.push(Uint8Array.of(byte))),
      expected,
    );
    const fragments =
      "00000004 00000007" +
      "00000008 00000001 00000000" +
      "80000010 00000000 00000000 00000000 05060708";
    assert.deepEqual(new RpcAnswers().push(unhex(fragments)), [{ xid: 7, value: 0x05060708 }]);
  });

  it("the verifier is skipped whatever its length", () => {
    const bytes = record(9, 1, 0, 1, "hello", 0, 42);
    assert.deepEqual(new RpcAnswers().push(bytes), [{ xid: 9, value: 42 }]);
  });

  it("the error for a refusal gives its reason", () => {
    const refused = (...values: number[]) => {
      return () => new RpcAnswers().push(record(1, ...values));
    };
    assert.throws(refused(1, 1, 0, 2, 2), { code: "unavailable", message: /denies/ });
    for (const stat of [1, 2, 3, 4, 5]) {
      assert.throws(refused(1, 0, 0, 0, stat), { code: "unavailable", message: /refuses/ });
    }
    assert.throws(refused(1, 0, 0, 0, 77), { code: "unavailable", message: /77/ });
  });

  it("an answer that is malformed, too long, empty or cut short violates the protocol", () => {
    const long = encodeXdr([0x80000000 + rpcAnswerBytesMax + 1]);
    const bad = [record(1, 0, 2, 3), long, unhex("00000000"), unhex("7fffffff"), record(1, 1)];
    for (const bytes of bad) {
      const read = () => new RpcAnswers().push(bytes);
      assert.throws(read, { code: "protocol-violated" }, hex(bytes));
    }
  });
});
