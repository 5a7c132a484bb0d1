/** The functions of a profile as a table: the text alternative of the flame graph. */
import { type ProfileFrame, spentBy } from "../../wire/api/profile.ts";
import { durationText, percentText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { flameMessages } from "./messages.ts";

const rowsMax = 100;

export function SpentTable({ frames }: { frames: readonly ProfileFrame[] }) {
  const say = useMessages(flameMessages);
  const wholeUs = Math.max(1, frames[0]?.[4] ?? 0);
  const time = (us: number) => `${durationText(us / 1_000)} (${percentText(us / wholeUs)})`;
  return (
    <details class="fold">
      <summary>{say("asTable")}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys where it is narrow */}
      <section class="scroll" tabIndex={0} aria-label={say("asTable")}>
        <table class="spent">
          <thead>
            <tr>
              <th scope="col">{say("function")}</th>
              <th scope="col">{say("place")}</th>
              <th scope="col" class="number">
                {say("self")}
              </th>
              <th scope="col" class="number">
                {say("total")}
              </th>
            </tr>
          </thead>
          <tbody>
            {spentBy(frames)
              .slice(0, rowsMax)
              .map(({ name, place, selfUs, totalUs }) => (
                <tr key={`${name} ${place}`}>
                  <td class="name">{name}</td>
                  <td>{place}</td>
                  <td class="number">{time(selfUs)}</td>
                  <td class="number">{time(totalUs)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
