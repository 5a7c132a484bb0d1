/** Date-times of messages: `dd/mm/yyyy hh:mm:ss`, and what other clients send instead. */

/** Also `test/python/timestamp test:python:timestamp`, which one existing client always sends. */
const shape = /^\S+\/\S+\/\S+ \S+:\S+:\S+$/;

export function looksLikeDateTime(text: string): boolean {
  return shape.test(text);
}

/** Sent when the time is not known. */
export const noDateTime = "00/00/0000 00:00:00";

/** Local time of the machine that sends it. */
export function formatDateTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(date.getDate())}/${two(date.getMonth() + 1)}`;
  const year = String(date.getFullYear()).padStart(4, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${day}/${year} ${time}`;
}
