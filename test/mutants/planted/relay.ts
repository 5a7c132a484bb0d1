/** Bugs of the outputs that the coordinator keeps for unreachable members. */
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
];
