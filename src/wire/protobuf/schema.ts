/** Messages described once, as tables of fields: the same table writes and reads. `int32`, `uint`,
 *  … make its rows; `message` and `oneof` put them together. Fields that are not in the table are
 *  skipped when read.
 *
 *  Of a repeated singular field the last one counts. Known fields must have their own wire type. */
import { ClusterError } from "../../core/error.ts";
import type { ProtobufReader } from "./reader.ts";
import type { ProtobufWriter } from "./writer.ts";

/** How one property of a message is encoded: usually as one field number, a oneof as several. */
export type Field<T> = {
  readonly numbers: readonly number[];
  /** The value of a property that is not in the message: a fresh one for every message. */
  absent(): T;
  /** Writes nothing for the value of `absent`, as in proto3. */
  write(writer: ProtobufWriter, value: T): void;
  /** The value after the field that the reader came to; `before` is the value so far. */
  read(reader: ProtobufReader, before: T, number: number): T;
};

/** A message type: a table of fields, and both directions made from it. */
export type Schema<T> = {
  readonly fields: Readonly<Record<string, Field<never>>>;
  write(writer: ProtobufWriter, value: T): void;
  read(reader: ProtobufReader): T;
};

/** One way to fill a oneof. It is written even when its value is 0 or empty: its presence shows
 *  which case it is. */
export type Case<T> = {
  readonly number: number;
  write(writer: ProtobufWriter, value: T): void;
  read(reader: ProtobufReader): T;
};

/** Shared: an array without elements cannot be changed. */
const noBytes = new Uint8Array(0);

type FieldsOf<T> = { readonly [K in Exclude<keyof T, "kind">]: Field<T[K]> };
type AnyField = Field<unknown>;

/** `kind`, when given, is set on every message that is read. */
export function message<T extends object>(fields: FieldsOf<T>, kind?: string): Schema<T> {
  const rows = Object.entries(fields as Record<string, AnyField>);
  const byNumber: Array<readonly [string, AnyField] | undefined> = [];
  for (const row of rows) for (const number of row[1].numbers) byNumber[number] = row;
  // Copied for each message that is read, which is far faster than adding field after field.
  const blank: Record<string, unknown> = kind === undefined ? {} : { kind };
  for (const [name, field] of rows) blank[name] = field.absent();
  const lists = rows.filter(([name]) => Array.isArray(blank[name]));
  return {
    fields: fields as Record<string, Field<never>>,
    write(writer, value) {
      const values = value as Record<string, unknown>;
      for (const [name, field] of rows) field.write(writer, values[name]);
    },
    read(reader) {
      const values = { ...blank };
      for (const [name, field] of lists) values[name] = field.absent();
      for (let number = reader.next(); number !== 0; number = reader.next()) {
        const row = byNumber[number];
        if (row === undefined) reader.skip();
        else values[row[0]] = row[1].read(reader, values[row[0]], number);
      }
      return values as T;
    },
  };
}

/** A oneof inside the message: the case that comes last counts. */
export function oneof<T extends { readonly kind: string }, Absent>(
  cases: { readonly [K in T["kind"]]: Case<Extract<T, { kind: K }>> },
  absent: Absent,
): Field<T | Absent> {
  const byKind = cases as Readonly<Record<string, Case<T>>>;
  const byNumber = new Map(Object.values(byKind).map((one) => [one.number, one]));
  return {
    numbers: [...byNumber.keys()],
    absent: () => absent,
    write(writer, value) {
      if (value !== absent) byKind[(value as T).kind]!.write(writer, value as T);
    },
    read: (reader, _before, number) => byNumber.get(number)!.read(reader),
  };
}

/** A case that is a message of its own. */
export function variant<T extends object>(number: number, schema: Schema<T>): Case<T> {
  return {
    number,
    write(writer, value) {
      const mark = writer.open(number);
      schema.write(writer, value);
      writer.close(mark);
    },
    read: (reader) => schema.read(reader.message()),
  };
}

export function uint(number: number): Field<number> {
  return {
    numbers: [number],
    absent: () => 0,
    write(writer, value) {
      if (value !== 0) writer.uint(number, value);
    },
    read: (reader) => reader.uint(),
  };
}

/** A number from 1 on; null is not sent, and is read when the field is absent or 0. */
export function id(number: number): Field<number | null> {
  return {
    numbers: [number],
    absent: () => null,
    write(writer, value) {
      if (value !== null) writer.uint(number, value);
    },
    read: (reader) => reader.uint() || null,
  };
}

export function bool(number: number): Field<boolean> {
  return {
    numbers: [number],
    absent: () => false,
    write(writer, value) {
      if (value) writer.uint(number, 1);
    },
    read: (reader) => reader.bool(),
  };
}

/** An enumeration that the program knows only by number. */
export function int32(number: number): Field<number> {
  return {
    numbers: [number],
    absent: () => 0,
    write(writer, value) {
      if (value !== 0) writer.int32(number, value);
    },
    read: (reader) => reader.int32(),
  };
}

export function int32List(number: number, countMax: number): Field<readonly number[]> {
  return {
    numbers: [number],
    absent: () => [],
    write(writer, values) {
      checkCount(values.length, countMax);
      if (values.length > 0) writer.int32List(number, values);
    },
    read(reader, before) {
      reader.int32List((value) => push(reader, before, value, countMax));
      return before;
    },
  };
}

export function text(number: number, maxBytes: number): Field<string> {
  return {
    numbers: [number],
    absent: () => "",
    write(writer, value) {
      if (value !== "") writer.text(number, value, maxBytes);
    },
    read: (reader) => reader.text(maxBytes),
  };
}

export function bytes(number: number, maxBytes: number): Field<Uint8Array> {
  return {
    numbers: [number],
    absent: () => noBytes,
    write(writer, value) {
      if (value.length > 0) writer.bytes(number, value, maxBytes);
    },
    read: (reader) => reader.bytes(maxBytes),
  };
}

type Limits = { readonly countMax: number; readonly maxBytes: number };

export function textList(number: number, { countMax, maxBytes }: Limits): Field<readonly string[]> {
  return {
    numbers: [number],
    absent: () => [],
    write(writer, values) {
      checkCount(values.length, countMax);
      for (const value of values) writer.text(number, value, maxBytes);
    },
    read: (reader, before) => push(reader, before, reader.text(maxBytes), countMax),
  };
}

export function bytesList(
  number: number,
  { countMax, maxBytes }: Limits,
): Field<readonly Uint8Array[]> {
  return {
    numbers: [number],
    absent: () => [],
    write(writer, values) {
      checkCount(values.length, countMax);
      for (const value of values) writer.bytes(number, value, maxBytes);
    },
    read: (reader, before) => push(reader, before, reader.bytes(maxBytes), countMax),
  };
}

export function messageList<T extends object>(
  number: number,
  schema: Schema<T>,
  countMax: number,
): Field<readonly T[]> {
  const one = variant(number, schema);
  return {
    numbers: [number],
    absent: () => [],
    write(writer, values) {
      checkCount(values.length, countMax);
      for (const value of values) one.write(writer, value);
    },
    read: (reader, before) => push(reader, before, one.read(reader), countMax),
  };
}

/** A message inside a message, or null. */
export function optional<T extends object>(number: number, schema: Schema<T>): Field<T | null> {
  const one = variant(number, schema);
  return {
    numbers: [number],
    absent: () => null,
    write(writer, value) {
      if (value !== null) one.write(writer, value);
    },
    read: (reader) => one.read(reader),
  };
}

/** `before` is an array that `absent` made for this message alone, so it may grow. */
function push<T>(
  reader: ProtobufReader,
  before: readonly T[],
  value: T,
  countMax: number,
): readonly T[] {
  if (before.length >= countMax) reader.fail(`more than ${countMax} repeated values`);
  (before as T[]).push(value);
  return before;
}

function checkCount(count: number, countMax: number): void {
  if (count <= countMax) return;
  throw new ClusterError(
    "limit-exceeded",
    `${count} values were to be sent in one message, at most ${countMax} are accepted;  ` +
      "send them in parts",
  );
}
