/** Reasons why something waits, in the reader's language. */
import type { Reason } from "../../core/why/reasons.ts";
import { countText, durationText } from "../i18n/amounts.ts";
import { catalogue, type Say, say, type Values } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";

export const reasonMessages = catalogue({
  en: {
    "job-ended": "{job} is {state}; nothing is waiting.",
    "job-runs": { one: "{n} attempt of {job} runs.", other: "{n} attempts of {job} run." },
    "stage-left": "{stage}: {running} running, {ready} ready, {waiting} waiting, {done} done.",
    "task-is": "{stage} task {task}: {state}, after {attempts} attempts.",
    "attempt-runs": "Attempt {attempt} has been on {worker} for {time}.",
    "backup-runs": "Attempt {attempt}, a backup, has been on {worker} for {time}.",
    "input-missing": {
      one: "It waits for the output of {n} more {stage} task.",
      other: "It waits for the output of {n} more {stage} tasks.",
    },
    "output-lost": {
      one: "The output of {n} {stage} task was lost with its worker and is being recomputed.",
      other:
        "The outputs of {n} {stage} tasks were lost with their workers and are being recomputed.",
    },
    backoff: {
      one: "A failed task waits before its next attempt, at most {time}.",
      other: "{n} failed tasks wait before their next attempts, at most {time}.",
    },
    "user-errors": "The job's code has failed {errors} of {max} times here.",
    "no-worker": "No worker is connected: start one with `tequio join`, or share the join link.",
    "workers-paused": {
      one: "The worker accepts no tasks now: {reason}",
      other: "All {n} workers accept no tasks now: {reason}",
    },
    "no-runtime": "No connected worker runs JavaScript.",
    "input-too-large":
      "Its input is too large for the connected tabs; add a worker with `tequio join`.",
    "slots-taken": "All {slots} slots of the workers are in use, {others} by other jobs.",
    "owner-limit":
      "The jobs of {owner} take {slots} slots, and no more are for one owner " +
      "(`tequio up --slots-per-owner`).",
    "fair-share":
      "{jobs} jobs share the workers; this one has weight {weight} and {attempts} attempts. The " +
      "next free slot goes to the job furthest below its share.",
    "queue-position":
      "Before it in the queue: {owners} other owners and {jobs} other jobs of {owner}.",
    "worker-lost": "{worker} is lost: it left, or its heartbeat timed out.",
    "worker-paused": "{worker} accepts no tasks now: {reason}",
    "worker-busy": "{worker} has {attempts} attempts for {slots} slots.",
    "worker-free": "{worker} has a free slot.",
    "nothing-ready": {
      one: "No task of {n} running job is ready.",
      other: "No task of {n} running jobs is ready.",
    },
    "not-for-it": "{job} has ready tasks, but none that this worker may run.",
    waiting: "waiting",
    ready: "ready",
  },
  es: {
    "job-ended": "{job} está {state}; no hay nada en espera.",
    "job-runs": { one: "{n} intento de {job} en curso.", other: "{n} intentos de {job} en curso." },
    "stage-left":
      "{stage}: {running} en curso, {ready} listas, {waiting} en espera, {done} terminadas.",
    "task-is": "Tarea {task} de {stage}: {state}, tras {attempts} intentos.",
    "attempt-runs": "El intento {attempt} está en {worker} desde hace {time}.",
    "backup-runs": "El intento {attempt}, de respaldo, está en {worker} desde hace {time}.",
    "input-missing": {
      one: "Lee la salida de {n} tarea más de {stage}.",
      other: "Lee la salida de {n} tareas más de {stage}.",
    },
    "output-lost": {
      one: "La salida de {n} tarea de {stage} se perdió con su nodo y se calcula de nuevo.",
      other:
        "Las salidas de {n} tareas de {stage} se perdieron con sus nodos y se calculan de nuevo.",
    },
    backoff: {
      one: "Una tarea fallida espera su próximo intento, a lo sumo {time}.",
      other: "{n} tareas fallidas esperan su próximo intento, a lo sumo {time}.",
    },
    "user-errors": "El código del trabajo ha fallado aquí {errors} de {max} veces.",
    "no-worker": "No hay ningún nodo: inicie uno con `tequio join`, o comparta el enlace.",
    "workers-paused": {
      one: "El nodo no acepta tareas ahora: {reason}",
      other: "Los {n} nodos no aceptan tareas ahora: {reason}",
    },
    "no-runtime": "Ningún nodo ejecuta JavaScript.",
    "input-too-large":
      "Su entrada es demasiado grande para las pestañas conectadas; añada un nodo con `tequio " +
      "join`.",
    "slots-taken": "Los {slots} puestos de los nodos están ocupados, {others} por otros trabajos.",
    "owner-limit":
      "Los trabajos de {owner} ocupan {slots} puestos, el máximo por propietario " +
      "(`tequio up --slots-per-owner`).",
    "fair-share":
      "{jobs} trabajos comparten los nodos; este tiene peso {weight} y {attempts} intentos. El " +
      "próximo puesto libre es para el trabajo más alejado de su parte.",
    "queue-position":
      "Antes en la cola: {owners} propietarios más y {jobs} trabajos más de {owner}.",
    "worker-lost": "{worker} se perdió: se fue, o dejó de dar señales.",
    "worker-paused": "{worker} no acepta tareas ahora: {reason}",
    "worker-busy": "{worker} tiene {attempts} intentos para {slots} puestos.",
    "worker-free": "{worker} tiene un puesto libre.",
    "nothing-ready": {
      one: "Ninguna tarea de {n} trabajo en curso está lista.",
      other: "Ninguna tarea de {n} trabajos en curso está lista.",
    },
    "not-for-it": "{job} tiene tareas listas, pero ninguna para este nodo.",
    waiting: "en espera",
    ready: "lista",
  },
  zh: {
    "job-ended": "{job} {state}：没有等待的内容。",
    "job-runs": { one: "{job} 有 {n} 次尝试在运行。", other: "{job} 有 {n} 次尝试在运行。" },
    "stage-left": "{stage}：运行 {running}，就绪 {ready}，等待 {waiting}，完成 {done}。",
    "task-is": "{stage}任务 {task}：{state}，已尝试 {attempts} 次。",
    "attempt-runs": "第 {attempt} 次尝试在 {worker} 上已运行 {time}。",
    "backup-runs": "第 {attempt} 次尝试（备份）在 {worker} 上已运行 {time}。",
    "input-missing": {
      one: "还要读取 {n} 个{stage}任务的输出。",
      other: "还要读取 {n} 个{stage}任务的输出。",
    },
    "output-lost": {
      one: "{n} 个{stage}任务的输出随工作节点丢失，正在重新计算。",
      other: "{n} 个{stage}任务的输出随工作节点丢失，正在重新计算。",
    },
    backoff: {
      one: "有 {n} 个失败的任务在等待下一次尝试，最多 {time}。",
      other: "有 {n} 个失败的任务在等待下一次尝试，最多 {time}。",
    },
    "user-errors": "作业代码在这里已失败 {errors} 次，上限 {max} 次。",
    "no-worker": "没有工作节点：用 `tequio join` 启动一个，或分享加入链接。",
    "workers-paused": {
      one: "{n} 个工作节点暂不接受任务：{reason}",
      other: "全部 {n} 个工作节点暂不接受任务：{reason}",
    },
    "no-runtime": "没有能运行 JavaScript 的工作节点。",
    "input-too-large": "输入对现有标签页来说太大；请用 `tequio join` 添加工作节点。",
    "slots-taken": "工作节点的 {slots} 个槽位都被占用，其中 {others} 个属于其他作业。",
    "owner-limit":
      "{owner} 的作业占用 {slots} 个槽位，已达每个所有者的上限（`tequio up --slots-per-owner`）。",
    "fair-share":
      "{jobs} 个作业共享工作节点；本作业权重 {weight}，有 {attempts} 次尝试。下一个空闲槽位给最低于其份额的作业。",
    "queue-position": "排在它前面的：其他 {owners} 个所有者，以及 {owner} 的其他 {jobs} 个作业。",
    "worker-lost": "{worker} 已丢失：它离开了，或未及时收到它的消息。",
    "worker-paused": "{worker} 暂不接受任务：{reason}",
    "worker-busy": "{worker} 有 {attempts} 次尝试，{slots} 个槽位。",
    "worker-free": "{worker} 有空位。",
    "nothing-ready": {
      one: "{n} 个运行中的作业没有就绪的任务。",
      other: "{n} 个运行中的作业没有就绪的任务。",
    },
    "not-for-it": "{job} 有就绪的任务，但没有这个工作节点能运行的。",
    waiting: "等待",
    ready: "就绪",
  },
});

/** In the current language. */
export function reasonIn(reason: Reason): string {
  const one = ((name, values) => say(reasonMessages, name, values)) as Say<
    (typeof reasonMessages)["en"]
  >;
  if (reason.kind === "attempt-runs" && reason.backup) return one("backup-runs", valuesOf(reason));
  return one(reason.kind, valuesOf(reason));
}

function valuesOf(reason: Reason): Values {
  const values: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(reason)) {
    if (typeof value === "number") values[name] = countText(value);
    else if (typeof value === "string") values[name] = value;
  }
  if ("stage" in reason) values.stage = say(jobMessages, reason.stage);
  if ("state" in reason) values.state = stateIn(reason.state);
  if ("forMs" in reason) values.time = durationText(reason.forMs);
  if (reason.kind === "user-errors") values.max = reason.errorsMax;
  if (reason.kind === "slots-taken") values.others = reason.byOthers;
  const n = countOf(reason);
  return n === null ? values : { ...values, n };
}

/** The number that selects singular or plural. */
function countOf(reason: Reason): number | null {
  if (reason.kind === "job-runs") return reason.attempts;
  if (reason.kind === "input-missing") return reason.left;
  if (reason.kind === "output-lost" || reason.kind === "backoff") return reason.tasks;
  if (reason.kind === "workers-paused") return reason.workers;
  return reason.kind === "nothing-ready" ? reason.jobs : null;
}

function stateIn(state: Extract<Reason, { state: string }>["state"]): string {
  return state === "waiting" || state === "ready"
    ? say(reasonMessages, state)
    : say(jobMessages, state);
}
