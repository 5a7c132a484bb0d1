/** What the doctor finds. */

/** good: as it should be · note: worth knowing · warning: fix it when you can · serious: data or
 *  other people's machines are at risk now. */
export type Severity = "good" | "note" | "warning" | "serious";

export type Finding = {
  readonly severity: Severity;
  /** One or two words. */
  readonly topic: string;
  readonly what: string;
  /** What to do; "" when there is nothing to do. */
  readonly fix: string;
};

export function good(topic: string, what: string): Finding {
  return { severity: "good", topic, what, fix: "" };
}
