/** F5: every way in which a ticket can be wrong, and its bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type TicketLimits, Tickets, type TicketTerms } from "./tickets.ts";

const terms: TicketTerms = {
  source: "ann",
  fileName: "film",
  root: "ab".repeat(32),
  requester: "bob",
};

function opened(limits: Partial<TicketLimits> = {}) {
  const tickets = new Tickets({ ttlMs: 1_000, ...limits });
  return { tickets, text: tickets.issue(terms, 0) };
}

test("F5: a ticket is redeemed once, with all that it is bound to", () => {
  const { tickets, text } = opened();
  assert.match(text, /^[\w-]{43}$/);
  assert.deepEqual(tickets.redeem(text, "ann", 400), { terms, expiresInMs: 600 });
  assert.equal(tickets.size, 0);
});

test("F5: a replayed ticket is refused", () => {
  const { tickets, text } = opened();
  tickets.redeem(text, "ann", 0);
  assert.equal(tickets.redeem(text, "ann", 0), null);
});

test("F5: a ticket is expired from the millisecond on in which its time ends", () => {
  const first = opened();
  assert.notEqual(first.tickets.redeem(first.text, "ann", 999), null);
  const second = opened();
  assert.equal(second.tickets.redeem(second.text, "ann", 1_000), null);
});

test("F5: a ticket presented to another source is refused there, and is used up", () => {
  const { tickets, text } = opened();
  assert.equal(tickets.redeem(text, "cem", 0), null);
  assert.equal(tickets.redeem(text, "ann", 0), null);
});

test("F5: a forged ticket, and one from before a restart, are refused", () => {
  const { tickets, text } = opened();
  for (const wrong of ["", "x", text.slice(1), `${text}x`, text.toUpperCase()]) {
    assert.equal(tickets.redeem(wrong, "ann", 0), null);
  }
  assert.equal(new Tickets().redeem(text, "ann", 0), null);
});

test("F5: no two tickets are equal", () => {
  const { tickets } = opened();
  const texts = Array.from({ length: 1_000 }, () => tickets.issue(terms, 0));
  assert.equal(new Set(texts).size, 1_000);
});

test("a greedy requester loses only its own oldest tickets", () => {
  const { tickets, text } = opened({ perRequesterMax: 3 });
  const other = tickets.issue({ ...terms, requester: "cem" }, 0);
  for (let n = 0; n < 3; n++) tickets.issue(terms, 0);
  assert.equal(tickets.redeem(text, "ann", 0), null);
  assert.notEqual(tickets.redeem(other, "ann", 0), null);
  assert.equal(tickets.size, 3);
});

test("above the limit no ticket is issued, until some expire", () => {
  const tickets = new Tickets({ ttlMs: 1_000, ticketsMax: 2 });
  tickets.issue(terms, 0);
  tickets.issue({ ...terms, requester: "cem" }, 1);
  assert.throws(() => tickets.issue(terms, 999), { code: "unavailable" });
  tickets.issue(terms, 1_000);
  assert.equal(tickets.size, 2);
});
