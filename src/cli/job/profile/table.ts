/** A profile as lines of text: the functions that took the most time. */

import { spentBy } from "../../../wire/api/profile.ts";
import { countText, durationText } from "../../numbers.ts";
import { padTo } from "../../text.ts";
import { framesOf, type Profile } from "./tree.ts";

const rowsMax = 20;
/** Less than this share of the time is not shown. */
const least = 0.002;

/** `what`: as "task 3 of j-1". */
export function profileLines(profile: Profile, what: string): string[] {
  const { root, samples } = profile;
  const allUs = root.totalUs;
  if (allUs === 0) return [`${what}: no sample was taken, it was over too soon`];
  const share = (us: number) => `${((100 * us) / allUs).toFixed(1)} %`.padStart(7);
  const rows = spentBy(framesOf(profile))
    .filter(({ selfUs, totalUs }) => Math.max(selfUs, totalUs) >= least * allUs)
    .slice(0, rowsMax);
  const width = rows.reduce((most, { name }) => Math.max(most, name.length), 0);
  return [
    `${what}: ${durationText(allUs / 1_000)}, ${countText(samples)} samples`,
    "   self    total  function",
    ...rows.map(({ name, place, selfUs, totalUs }) =>
      `${share(selfUs)}  ${share(totalUs)}  ${padTo(name, width)}  ${place}`.trimEnd(),
    ),
  ];
}
