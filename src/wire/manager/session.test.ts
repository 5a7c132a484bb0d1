/** One side of a link: which messages each side may send, and which answer belongs to which
 *  request. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { ClusterError } from "../../core/error.ts";
import { decodeFrames, encodeEnvelope } from "./codec.ts";
import type { Envelope, ManagerMessage, NodeType } from "./messages.ts";
import { type Arrival, answersTo, isRequest, ManagerSession } from "./session.ts";
import { messages } from "./testdata/arbitrary.ts";
import { fromHex, oldFrames, toHex } from "./testdata/golden.ts";

const ping: ManagerMessage = { kind: "managerPing" };
const pong: ManagerMessage = { kind: "managerPong" };
const ack: ManagerMessage = { kind: "ack" };
const notMine: ManagerMessage = { kind: "notMine" };
const execute: ManagerMessage = { kind: "tasksExecute", tasks: [] };
const tasksPing: ManagerMessage = { kind: "tasksPing", taskIds: [] };
const jobClose: ManagerMessage = { kind: "jobClose", jobNumber: 1 };
const asManager: ManagerMessage = { kind: "nodeTypeRequest", nodeType: "manager" };
const join: ManagerMessage = {
  kind: "managerRequest",
  workerPrice: 0,
  networkPrice: 0,
  cpuCount: 1,
  memoryKb: 1,
  networkKbps: 0,
  programKinds: [0],
  node: null,
};

/** A frame as the peer would send it. */
function frame(message: ManagerMessage, ids: Partial<Envelope> = {}): Uint8Array {
  return encodeEnvelope({ requestId: null, answerTo: null, message, ...ids });
}

function only(arrivals: readonly Arrival[]): Arrival {
  assert.equal(arrivals.length, 1);
  return arrivals[0]!;
}

function asked(arrival: Arrival): Extract<Arrival, { kind: "request" }> {
  assert.ok(arrival.kind === "request", `a request was expected, not ${arrival.kind}`);
  return arrival;
}

function violates(run: () => unknown, what: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ClusterError);
    assert.equal(error.code, "protocol-violated");
    assert.match(error.text, what);
    return true;
  });
}

/** A session whose peer has shown that it knows the extensions. */
function extendedSession(role: NodeType, options = {}): ManagerSession {
  const session = new ManagerSession({ role, ...options });
  asked(only(session.receive(frame(ping, { requestId: 9 })))).answer(pong);
  assert.equal(session.extended, true);
  return session;
}

describe("two sessions", () => {
  for (const [kind, arbitrary] of Object.entries(messages)) {
    const [message] = fc.sample(arbitrary as fc.Arbitrary<ManagerMessage>, { numRuns: 1, seed: 1 });
    if (!isRequest(message!)) continue;
    for (const answerKind of answersTo[message.kind]) {
      it(`accept a ${kind} and its ${answerKind}`, () => {
        const from: NodeType = /^(task(Status|Statuses|Results)|workerNotes)$/.test(kind)
          ? "worker"
          : "manager";
        const asking = extendedSession(from);
        const answering = extendedSession(from === "manager" ? "worker" : "manager");
        const sent = asking.request(message, 0);
        const request = asked(only(answering.receive(sent.frame)));
        assert.deepEqual(request.message, message);
        assert.equal(answering.owedCount, 1);
        const [answer] = fc.sample(messages[answerKind] as fc.Arbitrary<ManagerMessage>, 1);
        const arrival = only(asking.receive(request.answer(answer!)));
        assert.deepEqual(arrival, { kind: "answer", to: sent.id, message: answer });
        assert.equal(asking.pendingCount, 0);
        assert.equal(answering.owedCount, 0);
      });
    }
  }

  it("learn from the ManagerRequest that both know request ids, and use them from then on", () => {
    const worker = new ManagerSession({ role: "worker" });
    const manager = new ManagerSession({ role: "manager" });
    const first = manager.request(asManager, 0).frame;
    assert.equal(decodeFrames(first)[0]!.requestId, null);
    const request = worker.request(join, 0);
    assert.equal(decodeFrames(request.frame)[0]!.requestId, request.id);
    const accepted = asked(only(manager.receive(request.frame))).answer({
      kind: "managerAnswer",
      accepted: true,
      welcome: null,
    });
    assert.equal(manager.extended, true);
    assert.equal(worker.extended, false);
    worker.receive(accepted);
    assert.equal(worker.extended, true);
    assert.notEqual(decodeFrames(worker.request(ping, 0).frame)[0]!.requestId, null);
    // The answer to a request without an id still finds its request.
    const late = asked(only(worker.receive(first)));
    const answer = late.answer({ kind: "nodeTypeAnswer", nodeType: "worker" });
    assert.equal(only(manager.receive(answer)).kind, "answer");
  });
});

describe("with a peer of an existing implementation", () => {
  it("frames are byte for byte those of the existing one", () => {
    const old = (name: string) => oldFrames.find((one) => one.name === name)!;
    const manager = new ManagerSession({ role: "manager" });
    for (const name of ["NodeTypeRequest manager", "ManagerPing", "TasksExecute", "TasksPing"]) {
      const { hex, envelope } = old(name);
      assert.equal(toHex(manager.request(envelope.message, 0).frame), hex);
    }
    const { hex, envelope } = old("ManagerRequest");
    const request = asked(only(manager.receive(fromHex(hex))));
    assert.deepEqual(request.message, envelope.message);
    const answer = request.answer({ kind: "managerAnswer", accepted: true, welcome: null });
    assert.equal(toHex(answer), old("ManagerAnswer yes").hex);
    assert.equal(manager.extended, false);
  });

  it("answers are matched in order, among the requests that they may answer", () => {
    const manager = new ManagerSession({ role: "manager" });
    const sent = [tasksPing, execute, ping, execute].map((one) => manager.request(one, 0).id);
    const answers = [pong, ack, { kind: "tasksPong", statuses: [] }, notMine, ack] as const;
    const got = answers.map((one) => only(manager.receive(frame(one))));
    assert.deepEqual(
      got.map((one) => (one.kind === "answer" ? one.to : one.kind)),
      [sent[2], sent[1], sent[0], sent[3], "stray"],
    );
  });

  it("the answer to a ManagerRequest is matched, though it has no id", () => {
    const worker = new ManagerSession({ role: "worker" });
    const { id } = worker.request(join, 0);
    const answer = frame({ kind: "managerAnswer", accepted: true, welcome: null });
    assert.deepEqual(only(worker.receive(answer)), {
      kind: "answer",
      to: id,
      message: { kind: "managerAnswer", accepted: true, welcome: null },
    });
  });

  it("extensions are not sent", () => {
    const manager = new ManagerSession({ role: "manager" });
    assert.throws(
      () => manager.request(jobClose, 0),
      (error) => error instanceof ClusterError && error.code === "version-mismatch",
    );
    assert.equal(manager.pendingCount, 0);
  });

  it("frames without their length are answered without length", () => {
    const manager = new ManagerSession({ role: "manager" });
    const request = asked(only(manager.receive(fromHex("4200"))));
    assert.equal(toHex(request.answer(pong)), "4a00");
    assert.equal(toHex(manager.request(ping, 0).frame), "4200");
  });

  it("knows that its peer has the extensions by an id, a node, a welcome, or a message", () => {
    const node = fc.sample(
      messages.managerRequest.filter((one) => one.node !== null),
      1,
    )[0]!;
    const welcome = fc.sample(
      messages.managerAnswer.filter((one) => one.welcome !== null),
      1,
    )[0]!;
    const shown: ReadonlyArray<readonly [NodeType, Uint8Array]> = [
      ["manager", frame(ping, { requestId: 1 })],
      ["manager", frame(ack, { answerTo: 1 })],
      ["manager", frame(node)],
      ["worker", frame(welcome)],
      ["worker", frame(jobClose)],
    ];
    for (const [role, bytes] of shown) {
      const session = new ManagerSession({ role });
      session.receive(bytes);
      assert.equal(session.extended, true);
    }
    const session = new ManagerSession({ role: "manager" });
    session.receive(frame(join));
    assert.equal(session.extended, false);
  });
});

describe("T2.1: an answer that goes wrong", () => {
  it("a request that is never answered is overdue once, at its time", () => {
    const session = extendedSession("manager", { answerTimeoutMs: 100 });
    assert.equal(session.nextDeadlineMs(), Number.POSITIVE_INFINITY);
    const first = session.request(ping, 1000).id;
    const second = session.request(execute, 1050).id;
    assert.equal(session.nextDeadlineMs(), 1100);
    assert.deepEqual(session.expired(1099), []);
    assert.deepEqual(session.expired(1100), [first]);
    assert.equal(session.nextDeadlineMs(), 1150);
    assert.deepEqual(session.expired(5000), [second]);
    assert.deepEqual(session.expired(5000), []);
    assert.equal(session.nextDeadlineMs(), Number.POSITIVE_INFINITY);
  });

  it("an answer that comes late is a stray", () => {
    const session = extendedSession("manager", { answerTimeoutMs: 100 });
    const { id } = session.request(ping, 0);
    session.expired(100);
    assert.deepEqual(only(session.receive(frame(pong, { answerTo: id }))), {
      kind: "stray",
      message: pong,
    });
  });

  it("the second of two answers is a stray", () => {
    const session = extendedSession("manager");
    const { id } = session.request(execute, 0);
    session.request(execute, 0);
    const kinds = [ack, ack, notMine].map(
      (one) => only(session.receive(frame(one, { answerTo: id }))).kind,
    );
    assert.deepEqual(kinds, ["answer", "stray", "stray"]);
    assert.equal(session.pendingCount, 1);
  });

  it("an answer to an id that was never sent is a stray and answers nothing", () => {
    const session = extendedSession("manager");
    session.request(execute, 0);
    assert.equal(only(session.receive(frame(ack, { answerTo: 77 }))).kind, "stray");
    assert.equal(session.pendingCount, 1);
    const before = new ManagerSession({ role: "manager" });
    const { id } = before.request(execute, 0);
    assert.equal(only(before.receive(frame(ack, { answerTo: id }))).kind, "stray");
  });

  it("an answer without an id from a peer that knows ids is a stray", () => {
    const session = extendedSession("manager");
    session.request(execute, 0);
    assert.equal(only(session.receive(frame(ack))).kind, "stray");
  });

  it("an answer of a kind that the request cannot have is a violation", () => {
    const session = extendedSession("manager");
    const { id } = session.request(tasksPing, 0);
    violates(
      () => session.receive(frame(ack, { answerTo: id })),
      /ack came in answer to the tasksPing/,
    );
  });

  it("answering twice, or with another kind, is an assertion failure", () => {
    const session = new ManagerSession({ role: "worker" });
    const request = asked(only(session.receive(frame(execute))));
    assert.throws(() => request.answer(pong), /broken law: managerPong does not answer/);
    request.answer(ack);
    assert.throws(() => request.answer(ack), /broken law: a tasksExecute is answered once/);
  });
});

describe("T2.3: the wrong role", () => {
  const workersOnly = ["taskStatus", "taskStatuses", "workerNotes", "taskResults"];
  const managersOnly = [
    "tasksExecute",
    "tasksPing",
    "tasksAbord",
    "jobOpen",
    "stageSources",
    "jobClose",
    "tasksReturn",
    "taskList",
  ];
  const ofDocument = ["taskStatus", "tasksExecute", "tasksPing", "tasksAbord"];
  for (const [kind, arbitrary] of Object.entries(messages)) {
    const [message] = fc.sample(arbitrary as fc.Arbitrary<ManagerMessage>, { numRuns: 1, seed: 1 });
    const roles: readonly NodeType[] = workersOnly.includes(kind)
      ? ["manager"]
      : managersOnly.includes(kind)
        ? ["worker"]
        : ["manager", "worker"];
    for (const role of ["manager", "worker"] as const) {
      const fine = roles.includes(role);
      it(`a ${role} ${fine ? "accepts" : "refuses"} a ${kind}`, () => {
        const session = new ManagerSession({ role });
        const bytes = frame(message!);
        if (fine) session.receive(bytes);
        else if (ofDocument.includes(kind)) {
          const [arrival] = session.receive(bytes);
          assert.ok(arrival?.kind === "misplaced");
          assert.equal(Buffer.from(arrival.refusal).toString("hex"), "021a00");
        } else violates(() => session.receive(bytes), /only a (manager|worker) sends it/);
      });
    }
  }

  it("sending a message of the other role is an assertion failure", () => {
    const worker = new ManagerSession({ role: "worker" });
    assert.throws(
      () => worker.request(execute, 0),
      /broken law: this side may not send tasksExecute/,
    );
    assert.throws(() => worker.request(ack, 0), /broken law: ack is an answer/);
  });

  it("a ManagerRequest reaches a worker too, to be refused", () => {
    const worker = new ManagerSession({ role: "worker" });
    const request = asked(only(worker.receive(frame(join))));
    const no = request.answer({ kind: "managerAnswer", accepted: false, welcome: null });
    assert.equal(toHex(no), "023200");
  });
});

describe("bounds", () => {
  it("pending requests are limited; an answer makes room for another", () => {
    const session = extendedSession("manager", { pendingMax: 2 });
    const { id } = session.request(ping, 0);
    session.request(ping, 0);
    assert.throws(
      () => session.request(ping, 0),
      (error) => error instanceof ClusterError && error.code === "unavailable",
    );
    session.receive(frame(pong, { answerTo: id }));
    session.request(ping, 0);
    assert.equal(session.pendingCount, 2);
  });

  it("a peer's unanswered requests are limited", () => {
    const session = new ManagerSession({ role: "manager", owedMax: 2 });
    const first = asked(only(session.receive(frame(ping))));
    session.receive(frame(ping));
    violates(() => session.receive(frame(ping)), /more than 2 requests/);
    first.answer(notMine);
    session.receive(frame(ping));
  });

  it("a request that is too large for a frame is not kept as pending", () => {
    const session = extendedSession("worker");
    const notes: ManagerMessage = { kind: "workerNotes", notes: new Uint8Array(9_000_000) };
    assert.throws(() => session.request(notes, 0), /limit-exceeded/);
    assert.equal(session.pendingCount, 0);
  });

  it("several messages in one frame arrive in order, unknown ones are counted", () => {
    const session = new ManagerSession({ role: "worker" });
    const arrivals = session.receive(fromHex(`024200${"03c23f00"}022200`));
    assert.deepEqual(
      arrivals.map(({ kind, message }) => `${kind} ${message.kind}`),
      ["request managerPing", "stray ack"],
    );
    assert.equal(session.ignoredCount, 1);
  });
});
