/** Is a job description one that the cluster can run? Limits are named, so that the error can name
 *  them. */
import { ClusterError } from "../error.ts";
import {
  type JobSpec,
  priorities,
  programKinds,
  type RetryLimits,
  type StageSpec,
  shuffles,
  trusts,
} from "../job.ts";
import { wishesProblem } from "./placement/python.ts";

export const specLimits = {
  nameCharactersMax: 200,
  stagesMax: 8,
  tasksMax: 10_000_000,
  partitionsMax: 100_000,
  /** Tasks whose partitions another stage reads: all their places travel in one message. */
  shuffledTasksMax: 90_000,
  /** Cells of the shuffle: map tasks times partitions. */
  shuffleCellsMax: 1_000_000_000,
  weightMax: 1_000,
  timeoutMsMax: 30 * 24 * 3_600_000,
} as const;

const hashShape = /^[0-9a-f]{64}$/;

/** The first thing that is wrong, or null. */
export function specProblem(spec: JobSpec): ClusterError | null {
  const { name } = spec;
  if (name.length === 0 || name.length > specLimits.nameCharactersMax) {
    return bad(`a job's name has 1 to ${specLimits.nameCharactersMax} characters`);
  }
  if (!hashShape.test(spec.codeHash) || !hashShape.test(spec.planHash)) {
    return bad("codeHash and planHash are SHA-256 names of uploaded blobs (64 hex digits)");
  }
  if (spec.moduleHash !== undefined && !hashShape.test(spec.moduleHash)) {
    return bad("moduleHash is the SHA-256 name of an uploaded blob (64 hex digits)");
  }
  if (spec.stages.length === 0) return bad("a job has at least one stage");
  if (spec.stages.length > specLimits.stagesMax) {
    return over("stages", spec.stages.length, specLimits.stagesMax);
  }
  if (!within(spec.weight, 1, specLimits.weightMax)) {
    return bad(`weight is a whole number from 1 to ${specLimits.weightMax}`);
  }
  if (spec.priority !== undefined && !priorities.includes(spec.priority)) {
    return bad(`priority is one of ${priorities.join(", ")}`);
  }
  if (spec.shuffle !== undefined && !shuffles.includes(spec.shuffle)) {
    return bad(`shuffle is one of ${shuffles.join(", ")}`);
  }
  const trust = trustProblem(spec);
  if (trust !== null) return trust;
  if (spec.keepGoing !== undefined && (spec.stages[0]?.kind !== "tasks" || spec.share)) {
    return bad("keepGoing is for lists of tasks, and not for jobs that volunteers compute");
  }
  for (const [index, stage] of spec.stages.entries()) {
    const problem = stageProblem(spec, stage, index);
    if (problem !== null) return problem;
  }
  const program = programProblem(spec);
  if (program !== null) return program;
  return limitsProblem(spec.limits) ?? localityProblem(spec);
}

function trustProblem({ chance, clock, quorum, share, trust }: JobSpec): ClusterError | null {
  if (clock !== undefined && clock !== "real") return bad('clock is "real", or absent');
  if (chance !== undefined && chance !== "real") return bad('chance is "real", or absent');
  if (trust !== undefined && !trusts.includes(trust)) {
    return bad(`trust is one of ${trusts.join(", ")}`);
  }
  if (share !== undefined && share !== "volunteers") return bad('share is "volunteers", or absent');
  if (share === undefined && trust === "quorum") {
    return bad(`trust "${trust}" is for jobs that volunteers compute; add share: "volunteers"`);
  }
  if (share !== undefined && trust === "own") {
    return bad('results of volunteers are checked: with share, trust is "audit" or "quorum"');
  }
  if (quorum === undefined) return null;
  if (trust !== "quorum") return bad('quorum is for jobs with trust "quorum"');
  return within(quorum.agree, 2, 9) && within(quorum.of, quorum.agree, 99)
    ? null
    : bad("quorum: 2 to 9 agree, of at most 99");
}

function programProblem(spec: JobSpec): ClusterError | null {
  const { programKind } = spec;
  const known: ReadonlyArray<number | undefined> = [
    undefined,
    programKinds.javascript,
    programKinds.python,
  ];
  if (!known.includes(programKind)) return bad(`no program kind ${programKind} is known here`);
  return wishesProblem(spec);
}

function stageProblem(spec: JobSpec, stage: StageSpec, index: number): ClusterError | null {
  const { tasksMax, partitionsMax, shuffledTasksMax, shuffleCellsMax, timeoutMsMax } = specLimits;
  if (!within(stage.taskCount, 0, Number.MAX_SAFE_INTEGER)) {
    return bad(`stage ${index}: taskCount is a whole number`);
  }
  if (stage.taskCount > tasksMax) return over(`tasks of stage ${index}`, stage.taskCount, tasksMax);
  if (!within(stage.partitionCount, 0, Number.MAX_SAFE_INTEGER)) {
    return bad(`stage ${index}: partitionCount is a whole number`);
  }
  if (stage.partitionCount > partitionsMax) {
    return over(`partitions of stage ${index}`, stage.partitionCount, partitionsMax);
  }
  if (stage.partitionCount > 0 && stage.taskCount > shuffledTasksMax) {
    const what = `map tasks of stage ${index} (larger --split-bytes gives fewer)`;
    return over(what, stage.taskCount, shuffledTasksMax);
  }
  if (stage.taskCount * stage.partitionCount > shuffleCellsMax) {
    const cells = stage.taskCount * stage.partitionCount;
    return over(`map tasks × partitions of stage ${index}`, cells, shuffleCellsMax);
  }
  if (!within(stage.timeoutMs, 0, timeoutMsMax)) {
    return bad(`stage ${index}: timeoutMs is a whole number from 0 to ${timeoutMsMax}`);
  }
  return inputProblem(spec, stage, index);
}

function inputProblem(spec: JobSpec, stage: StageSpec, index: number): ClusterError | null {
  if ((stage.kind === "reduce") !== (stage.inputStage !== null)) {
    return bad(`stage ${index}: a reduce stage, and only that, reads the partitions of another`);
  }
  if (stage.inputStage === null) return null;
  const input = spec.stages[stage.inputStage];
  if (!within(stage.inputStage, 0, index - 1) || input === undefined) {
    return bad(`stage ${index}: inputStage is an earlier stage, so that there is no cycle`);
  }
  if (input.partitionCount !== stage.taskCount) {
    return bad(`stage ${index}: one reduce task for each partition of stage ${stage.inputStage}`);
  }
  return null;
}

function limitsProblem(limits: RetryLimits): ClusterError | null {
  const { userErrorMax, workersKilledMax, backoffMs, backoffMaxMs } = limits;
  if (!within(userErrorMax, 1, 100)) return bad("userErrorMax is a whole number from 1 to 100");
  if (!within(workersKilledMax, 1, 100)) {
    return bad("workersKilledMax is a whole number from 1 to 100");
  }
  if (!within(backoffMs, 0, 3_600_000) || !within(backoffMaxMs, backoffMs, 3_600_000)) {
    return bad("0 ≤ backoffMs ≤ backoffMaxMs ≤ 3600000, whole ms");
  }
  return null;
}

function localityProblem(spec: JobSpec): ClusterError | null {
  const { locality } = spec;
  if (locality === null) return null;
  const { hosts, taskHost } = locality;
  if (taskHost.length !== spec.stages[0]?.taskCount || hosts.length > 10_000) {
    return bad("locality names a host, or −1, for every task of the first stage");
  }
  return taskHost.every((host) => within(host, -1, hosts.length - 1))
    ? null
    : bad("locality: taskHost are indexes into hosts, or −1");
}

function within(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

function bad(text: string): ClusterError {
  return new ClusterError("bad-request", `this job description cannot run: ${text}`);
}

function over(what: string, got: number, max: number): ClusterError {
  return new ClusterError("limit-exceeded", `${what}: ${got}, and the limit is ${max}`);
}
