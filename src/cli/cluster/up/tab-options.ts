/** Options of `tequio up` for the browser tabs that contribute to it. */
import { type Command, Option } from "commander";
import { countArgument, durationArgument } from "../../options.ts";

export function withTabs(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--tabs <class>",
        "class of browser tabs that join by the printed link: own compute every job, volunteer " +
          "those shared with volunteers, and are checked (default: own where only this machine " +
          "can open it)",
      ).choices(["own", "volunteer"]),
    )
    .option(
      "--tabs-max <n>",
      "browser tabs that one user may contribute at a time (default 1000)",
      countArgument("--tabs-max", 0, 20_000),
    )
    .option(
      "--tab-return <time>",
      "how long a disconnected tab keeps its tasks before they are given to other workers " +
        "(default 30s)",
      durationArgument("--tab-return"),
    )
    .option(
      "--tab-silence <time>",
      "treat a tab as lost after this much silence (default 90s; browsers wake hidden pages " +
        "once a minute)",
      durationArgument("--tab-silence"),
    );
}
