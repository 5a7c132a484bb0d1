/** Records of every format, and which ones are bad. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { bytes, csv, type FormatSpec, ndjson, text } from "../../sdk/format.ts";
import { memorySource, type SourcePiece } from "./byte-source.ts";
import { RecordPosition } from "./lines.ts";
import { pieceReader } from "./records.ts";

type Read = { records: unknown[]; bad: string[] };

function readPieces(
  format: FormatSpec,
  pieces: ReadonlyArray<Partial<SourcePiece> & { content: string }>,
): Read {
  const source = memorySource(
    pieces.map(({ content, ...piece }) => {
      return { file: 0, offset: 0, head: null, ...piece, bytes: Buffer.from(content) };
    }),
  );
  const position = new RecordPosition();
  const read: Read = { records: [], bad: [] };
  const reader = pieceReader(format, {
    source,
    position,
    record: (record) => read.records.push(record),
    words: null,
    bad: (record, problem) => read.bad.push(`${position.offset} ${record} ${problem}`),
  });
  for (let piece = source.nextPiece(); piece !== null; piece = source.nextPiece()) {
    position.fixedOffset = piece.offset;
    position.file = "f.csv";
    reader(piece);
  }
  return read;
}

const readText = (format: FormatSpec, content: string) => readPieces(format, [{ content }]);

test("NDJSON skips blank lines and reports what is no JSON with its offset", () => {
  const read = readText(ndjson(), '{"a":1}\n\n  \r\n{"a":\n[2]');
  assert.deepEqual(read.records, [{ a: 1 }, [2]]);
  assert.match(read.bad[0] ?? "", /^13 \{"a": Unexpected end/);
});

test("a whole file is one record, also an empty one", () => {
  assert.deepEqual(readText(text.file(), "\ufeffa\nb\n").records, ["a\nb\n"]);
  assert.deepEqual(readText(text.file(), "").records, [""]);
  assert.deepEqual(readText(bytes.file(), "é").records, [Uint8Array.of(0xc3, 0xa9)]);
});

test("CSV with a header gives objects by column", () => {
  const read = readText(csv(), '\ufeffid,name\r\n1,"a ""b"", c"\r\n\r\n2,\r\n3\n4,"x\n5,a"b\n');
  assert.deepEqual(read.records, [
    { id: "1", name: 'a "b", c' },
    { id: "2", name: "" },
  ]);
  assert.equal(read.bad.length, 3);
  assert.match(read.bad[0] ?? "", /^34 3 1 fields where 2 columns are named/);
  assert.match(read.bad[1] ?? "", /4,"x its quotes/);
});

test("a piece behind the header line gets the header with it", () => {
  const head = Buffer.from("id;name\r\n");
  const read = readPieces(csv({ separator: ";" }), [{ offset: 50, head, content: "7;x\n" }]);
  assert.deepEqual(read.records, [{ id: "7", name: "x" }]);
  assert.throws(() => readPieces(csv(), [{ offset: 50, content: "7,x\n" }]), /no header line/);
});

test("column names that cannot be fields are refused", () => {
  assert.throws(() => readText(csv(), "a,a\n1,2\n"), /bad-request: f.csv has two columns "a"/);
  assert.throws(() => readText(csv(), "__proto__\n1\n"), /a column __proto__/);
});

test("CSV in several lines needs multiline, which keeps the newlines", () => {
  const content = 'a,"x\r\ny"\nb,"\n"\nc,"open\n';
  const whole = readText(csv({ columns: ["k", "v"], multiline: true }), content);
  assert.deepEqual(whole.records, [
    { k: "a", v: "x\r\ny" },
    { k: "b", v: "\n" },
  ]);
  assert.match(whole.bad[0] ?? "", /^15 c,"open its quotes/);
  const cut = readText(csv({ columns: ["k", "v"] }), content);
  assert.deepEqual(cut.records, []);
});

test("CSV fields come back whatever is in them", () => {
  const field = fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r\n", "a", "é", " ") });
  const row = fc.array(field, { minLength: 2, maxLength: 4 });
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      const content = rows.map((fields) => fields.map(quoted).join(",")).join("\n");
      const format = csv({ header: false, multiline: true });
      assert.deepEqual(readText(format, content), { records: rows, bad: [] });
    }),
  );
});
