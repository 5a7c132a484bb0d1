/** Bugs of the outputs that the coordinator keeps for members that are unreachable, or leave. */
import { type Mutant, planted } from "../mutant.ts";

export const relayMutants: readonly Mutant[] = [
  planted(
    "what the relay has lost is not computed again",
    "fail",
    "if ($input === undefined || $input.state[$task] !== DONE) continue;",
    "if ($input?.state[$task] !== DONE || ($input.holder[$task] as number) < 0) continue;",
  ),
  planted(
    "a relayed output is acknowledged before it is on the disk",
    "keep",
    "await $writing.written;",
    "$writing.written.catch(() => {});",
  ),
  planted(
    "relayed outputs are cleaned up while a reduce still needs them",
    "jobChanged",
    '$state === "running"',
    '$state === "failed"',
  ),
  planted(
    "the end of job 1 takes the relayed outputs of job 10 along",
    "#drop",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of the source.
    "$key.startsWith(`${$job}/`)",
    "$key.startsWith($job)",
  ),
  planted(
    "a start drops the relayed outputs of jobs that run",
    "keepOnly",
    "!$isRunning",
    "$isRunning",
  ),
  {
    ...planted(
      "an output that is handed over still goes with its worker",
      "keepHandedOver",
      "$stage.holder[$task] = RELAY;",
      "",
    ),
    rates: { "worker-stop": { probability: 1, perHour: 60, forMs: [500, 30_000] } },
  },
  {
    ...planted(
      "an older attempt's output is taken for the one that counts",
      "keepHandedOver",
      "!holds($stage, $task, $worker) || $stage.committed[$task] !== $attempt",
      "!holds($stage, $task, $worker)",
    ),
    nearest: "an output that another worker has computed again keeps its place",
  },
  {
    ...planted(
      "what was made since a hand-over began counts as handed over",
      "handedOver",
      "!$isWhole || $stop.handedTo !== $state.outputsMade",
      "!$isWhole",
    ),
    nearest: "an output that is acknowledged during a hand-over does not count as handed over",
  },
];
