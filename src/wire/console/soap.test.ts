/** Requests to date-time services and their answers, as existing services send them. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { formatDateTime, looksLikeDateTime, noDateTime } from "./date-time.ts";
import { checkTimeCall, defaultTimeCall, encodeTimeCall, readTimeAnswer } from "./soap.ts";

const spyne =
  "<?xml version='1.0' encoding='UTF-8'?>\n<soap11env:Envelope xmlns:soap11env=" +
  '"http://schemas.xmlsoap.org/soap/envelope/" xmlns:tns="spyne.examples.datetime">' +
  "<soap11env:Body><tns:get_datetimeResponse><tns:get_datetimeResult>21/11/2026 02:15:45" +
  "</tns:get_datetimeResult></tns:get_datetimeResponse></soap11env:Body></soap11env:Envelope>";

it("a request names the method in the namespace, escaped", () => {
  const text = encodeTimeCall({ namespace: 'a"<&', method: "get_time" });
  assert.match(text, /xmlns:t="a&quot;&lt;&amp;"/);
  assert.match(text, /<soap:Body><t:get_time\/><\/soap:Body>/);
  assert.throws(() => checkTimeCall({ namespace: "", method: "a><b" }), { code: "bad-request" });
});

it("the answers of existing services are read", () => {
  assert.equal(readTimeAnswer(spyne, defaultTimeCall), "21/11/2026 02:15:45");
  const sibling = "<get_timeResult xsi:type='string'> 01/02/2026 03:04:05 </get_timeResult>";
  assert.equal(
    readTimeAnswer(sibling, { ...defaultTimeCall, method: "get_time" }),
    "01/02/2026 03:04:05",
  );
});

it("an answer without a date-time is refused, and never slow", () => {
  const bad = [
    "",
    "<html>405</html>",
    spyne.replace("21/11/2026 02:15:45", "now"),
    spyne.replace("21/11/2026 02:15:45", "21/11/2026 02:15:45\nx"),
    "<get_datetimeResult ".repeat(3_000),
    `<get_datetimeResult>${"/ :".repeat(20_000)}`,
  ];
  for (const text of bad) {
    assert.throws(() => readTimeAnswer(text, defaultTimeCall), { code: "protocol-violated" });
  }
});

it("this machine's clock is written as dd/mm/yyyy hh:mm:ss, and is read as a date-time", () => {
  const text = formatDateTime(new Date(2026, 0, 2, 3, 4, 5));
  assert.equal(text, "02/01/2026 03:04:05");
  assert.ok([text, noDateTime].every(looksLikeDateTime));
  assert.ok(!looksLikeDateTime("alice"));
});
