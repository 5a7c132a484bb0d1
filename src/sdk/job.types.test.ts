/** What the compiler infers for job authors; checked by `tsc`, since a wrong line does not
 *  compile. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Emit, mapReduce, ndjson, tasks, text } from "../index.ts";

/** True only for the very same type: `any` is not equal to anything else. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_holds: Same<A, B>): void {}

test("the types of emit flow into combine and reduce", () => {
  const job = mapReduce({
    params: { limit: 3, loud: false, words: ["a"] },
    input: text.lines(),
    map(line, emit: Emit<string, number>, context) {
      same<typeof line, string>(true);
      same<typeof context.params.limit, number>(true);
      same<typeof context.params.words, string[]>(true);
      // @ts-expect-error no such parameter
      context.params.limits;
      // @ts-expect-error a key of another type
      emit(1, 1);
      // @ts-expect-error a value of another type
      emit("a", "b");
    },
    combine: (a, b) => {
      same<typeof a, number>(true);
      same<typeof b, number>(true);
      return a + b;
    },
    partition(key, count) {
      same<typeof key, string>(true);
      return key.length % count;
    },
    reduce(key, values, context) {
      same<typeof key, string>(true);
      same<typeof values, Iterable<number>>(true);
      same<typeof context.params.limit, number>(true);
      same<typeof context.partition, number>(true);
      context.emit(["also", 1], { any: "value" });
      return `${key}`;
    },
  });
  assert.equal(job.kind, "map-reduce");
});

test("the record is a line when no input is named, and the format's type when one is", () => {
  type Visit = { readonly user: string; readonly ms: number };
  mapReduce({
    map(line, emit: Emit<string, number>) {
      same<typeof line, string>(true);
      emit(line, 1);
    },
  });
  mapReduce({
    input: ndjson<Visit>(),
    map(visit, emit: Emit<string, Visit>) {
      same<typeof visit, Visit>(true);
      emit(visit.user, visit);
    },
    combine(a, b) {
      same<typeof a, Visit>(true);
      return a.ms > b.ms ? a : b;
    },
  });
  // @ts-expect-error the record is a Visit, not a number
  mapReduce({
    input: ndjson<Visit>(),
    map(visit: number, emit: Emit<string, number>) {
      emit("n", visit);
    },
  });
  assert.ok(true);
});

test("combine must give back the type of the emitted value", () => {
  mapReduce({
    map(line, emit: Emit<string, number>) {
      emit(line, 1);
    },
    // @ts-expect-error a string is no number
    combine: (a, b) => `${a}${b}`,
  });
  assert.ok(true);
});

test("several inputs share key and value", () => {
  type Row = { readonly name: string } | { readonly total: number };
  const job = mapReduce({
    inputs: {
      users: {
        input: ndjson<{ id: string; name: string }>(),
        map(user, emit: Emit<string, Row>) {
          emit(user.id, { name: user.name });
        },
      },
      orders: {
        input: ndjson<{ user: string; total: number }>(),
        map(order, emit: Emit<string, Row>) {
          emit(order.user, { total: order.total });
        },
      },
    },
    reduce(key, rows) {
      same<typeof key, string>(true);
      same<typeof rows, Iterable<Row>>(true);
      return [...rows].length;
    },
  });
  assert.deepEqual(Object.keys(job.kind === "map-reduce" ? job.inputs : {}), ["users", "orders"]);
});

test("a list of tasks infers the item, from a list or from a function", () => {
  const job = tasks({
    params: { count: 4 },
    items: ({ count }) => Array.from({ length: count }, (_, seed) => ({ seed })),
    run(item, context) {
      same<typeof item, { seed: number }>(true);
      same<typeof context.params.count, number>(true);
      return item.seed * 2;
    },
  });
  tasks({
    items: [1, 2, 3],
    run(item) {
      same<typeof item, number>(true);
      // @ts-expect-error a number has no length
      return item.length;
    },
  });
  assert.equal(job.kind, "tasks");
});

test("map or inputs must be there, not both", () => {
  // @ts-expect-error nothing maps
  mapReduce({ combine: (a: number, b: number) => a + b });
  // @ts-expect-error an unknown option
  mapReduce({ map(_line: string) {}, reducer: () => 1 });
  assert.ok(true);
});
