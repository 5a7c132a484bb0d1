/** Bugs of who is believed: volunteers, audits, and what becomes of a liar's results. */
import { type Mutant, planted } from "../mutant.ts";

/** No simulated cluster has volunteers: each names the test that must see it. */
function seenBy(nearest: string, mutant: Mutant): Mutant {
  return { ...mutant, nearest };
}

const lives = "X10: random lives with liars: every job ends right, and only liars are caught";

export const trustMutants: readonly Mutant[] = [
  seenBy(
    "a job that is not shared is given to no volunteer, and says so",
    planted(
      "volunteers are given jobs that are not shared",
      "mayRun",
      "$worker.volunteer !== undefined && !isShared($record)",
      "false",
    ),
  ),
  seenBy(
    "a second worker of the same person or place is no second opinion",
    planted(
      "a neighbour of the same address block confirms",
      "areDistinct",
      '$a.person !== $b.person && ($a.block === "" || $a.block !== $b.block)',
      "$a.person !== $b.person",
    ),
  ),
  seenBy(
    "a task that gives an own worker two results accuses no volunteer, and fails the job",
    planted(
      "one computation of an own worker makes a liar",
      "settle",
      "$liars.length > 0 && $others.length === 0",
      "false",
    ),
  ),
  seenBy(
    lives,
    planted(
      "results of a liar that are committed stay",
      "withdrawFrom",
      "!isEnough($job, $left)",
      "false",
    ),
  ),
  seenBy(
    lives,
    planted(
      "what was reduced from a wrong map output stays",
      "replace",
      "if ($consumer !== null) withdrawAll($state, $job, $consumer);",
      "",
    ),
  ),
  seenBy(
    "a quorum of three needs three persons",
    planted(
      "a quorum is two, whatever the job says",
      "wanted",
      "$job.spec.quorum?.agree ?? quorumDefault.agree",
      "quorumDefault.agree",
    ),
  ),
  seenBy(
    "a worker with the engine's own mathematics is compared within its engine only",
    planted(
      "results of other engines are compared bit by bit",
      "mayJudge",
      "if (needsOneEngine($spec) && $before[0]?.engine !== $witness.engine) return false;",
      "",
    ),
  ),
  seenBy(
    "X10: a trusted volunteer is still compared now and then",
    planted(
      "who was right for long is never compared again",
      "checkedShare",
      "Math.max(floor, 1 / $valid)",
      "1 / $valid",
    ),
  ),
  seenBy(
    "without an own worker the majority decides, and the others begin anew",
    planted(
      "who was outvoted keeps its trust",
      "outvote",
      "doubt($state, $one)",
      "confirm($state, $one)",
    ),
  ),
  seenBy(
    "a finished job names what of it is in doubt, and exactly that is computed again",
    planted(
      "a recheck adopts what is in doubt",
      "recheckJob",
      "withdraw($state, $job, $stage, $task);",
      "",
    ),
  ),
  seenBy(
    "what is only compared makes room at once, and is tried again",
    planted(
      "an audit keeps its slot while tasks wait",
      "preempt",
      "$worker.leases.size + $mine.length <= $worker.specs.slots",
      "true",
    ),
  ),
  seenBy(
    "the worker of the first result, tabs and volunteers are not asked",
    planted(
      "a worker is compared with itself",
      "idleWorker",
      "$number === $first || $worker.volunteer !== undefined",
      "$number < 0 || $worker.volunteer !== undefined",
    ),
  ),
  seenBy(
    "a wrong answer to what is known is a lie, once an own worker has computed it again",
    planted(
      "a wrong answer to what is known costs nothing",
      "hearCanary",
      "markOf($report.output) === markOf($output)",
      "true",
    ),
  ),
  seenBy(
    "no person has the same one twice, nor one that it has computed",
    planted(
      "a person is given the same known task again and again",
      "pick",
      "$persons.includes($witness.person)",
      "false",
    ),
  ),
  seenBy(
    "a result that counts alone is spot-checked, and a liar is caught",
    planted(
      "a spot check believes the first own result",
      "spotted",
      "if ($suspect === $mark) return $vouchers.filter(({ own }) => !own);",
      "if ($suspect !== '') return $vouchers.filter(({ own }) => !own);",
    ),
  ),
];
