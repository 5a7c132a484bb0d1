/** Reasons why something waits, in the reader's language. */
import type { Reason } from "../../core/why/reasons.ts";
import { bytesText, countText, durationText } from "../i18n/amounts.ts";
import { catalogue, type Say, say, type Values } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";

export const reasonMessages = catalogue({
  en: {
    "job-ended": "{job} is {state}; nothing is waiting.",
    "job-runs": { one: "{n} attempt of {job} runs.", other: "{n} attempts of {job} run." },
    "stage-left": "{stage}: {running} running, {ready} ready, {waiting} waiting, {done} done.",
    "task-is": "{stage} task {task}: {state}, after {attempts} {attempts:attempt|attempts}.",
    "attempt-runs": "Attempt {attempt} has been on {worker} for {time}.",
    "no-limit":
      "The job sets no `timeoutMs`, so that a call that never ends is waited for, such as a " +
      "promise that never settles.",
    "backup-runs": "Attempt {attempt}, a backup, has been on {worker} for {time}.",
    "input-missing": {
      one: "It waits for the output of {n} more {stage} task.",
      other: "It waits for the output of {n} more {stage} tasks.",
    },
    "input-arriving": {
      one: "The input of {n} task has not arrived yet: its submitter is sending it.",
      other: "The input of {n} tasks has not arrived yet: its submitter is sending it.",
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
    "sent-ahead": "Attempt {attempt} was sent ahead to {worker} and waits for a slot there.",
    "user-errors": "{errors} of at most {max} attempts failed.",
    "user-errors-last": "{errors} of at most {max} attempts failed; the last: {last}",
    "no-worker": "No worker is connected: start one with `tequio join`, or share the join link.",
    "workers-paused": {
      one: "The worker accepts no tasks now: {reason}",
      other: "All {n} workers accept no tasks now: {reason}",
    },
    "no-runtime": "No connected worker runs JavaScript.",
    "second-opinion": {
      one: "{n} result of a volunteer waits for a second opinion, {own} by an own worker.",
      other: "{n} results of volunteers wait for a second opinion, {own} of them by own workers.",
    },
    "not-deterministic":
      "Not deterministic: {stage} task {task} gave two results, by {first} and by {second}. " +
      "Remove what differs, such as crypto or the order of sums.",
    "not-deterministic-record":
      "Not deterministic: {stage} task {task} gave two results, by {first} and by {second}. " +
      "Record {record} is `{one}`, and `{other}`. Remove what differs, such as crypto or the " +
      "order of sums.",
    disputed: "{stage} task {task} gave two results, by {first} and by {second}. {settled}",
    "disputed-record":
      "{stage} task {task} gave two results, by {first} and by {second}. Record {record} is " +
      "`{one}`, and `{other}`. {settled}",
    "dispute-open": "Who is right is not decided.",
    "dispute-settled": "It is settled.",
    "dispute-wrong": "Found wrong: {wrong}.",
    "one-worker":
      "Nothing is computed twice: `--trust audit` compares two own workers that are no tabs, and " +
      "there are fewer. Start another: `tequio up --workers 2`, or `tequio join`.",
    "no-own-worker":
      "No own worker is here: what volunteers say is compared with other volunteers alone, the " +
      "majority decides, and no one is called a liar. Join one: `tequio join`.",
    "only-volunteers":
      "Only volunteers are here, and this job is not shared with them: join an own worker with " +
      "`tequio join`, or submit it with `--share volunteers`.",
    "no-python": "No worker here has Python 3.9 or newer: install python3 on {workers}.",
    "no-python-here": "No worker here has Python 3.9 or newer: join a machine that has it.",
    "other-python": "The job runs on {wants} alone, which no worker here has: {has}.",
    "not-for-it-python": "{job} has ready tasks, but this worker has no Python.",
    "lacks-packages": "No worker has the packages that the job requires: {lacks}.",
    "input-too-large":
      "Its input is too large for the connected tabs; add a worker with `tequio join`.",
    "slots-taken": "{slots} of {slots} {slots:slot is|slots are} in use, {others} by other jobs.",
    "owner-limit":
      "The jobs of {owner} take {slots} {slots:slot|slots}, and no more are for one owner " +
      "(`tequio up --slots-per-owner`).",
    "fair-share":
      "{jobs} {jobs:job shares|jobs share} the workers; this one has weight {weight} and " +
      "{attempts} {attempts:attempt|attempts}. The next free slot goes to " +
      "the job furthest below its share.",
    "queue-position":
      "Before it in the queue: {owners} other {owners:owner|owners} and {jobs} other " +
      "{jobs:job|jobs} of {owner}.",
    "worker-lost": "{worker} is lost: it left, or its heartbeat timed out.",
    "worker-paused": "{worker} accepts no tasks now: {reason}",
    "worker-busy":
      "{worker} runs {attempts} {attempts:attempt|attempts} in {slots} {slots:slot|slots}.",
    "worker-busy-ahead":
      "{worker} runs {attempts} {attempts:attempt|attempts} in {slots} {slots:slot|slots}; " +
      "{ahead} more {ahead:was|were} sent ahead and {ahead:waits|wait}.",
    "worker-free": "{worker} has a free slot.",
    "link-narrow":
      "Large messages between {who} and the coordinator are lost on the way, and small ones are " +
      "not: lower the MTU of its network interface.",
    "worker-unreached":
      "{worker} cannot be reached by {by}: {sent} of its outputs went by the coordinator. Open " +
      "its port for the other workers.",
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
      "{stage}: {running} en curso, {ready} {ready:lista|listas}, {waiting} en espera, {done} " +
      "{done:terminada|terminadas}.",
    "task-is": "Tarea {task} de {stage}: {state}, tras {attempts} {attempts:intento|intentos}.",
    "attempt-runs": "El intento {attempt} está en {worker} desde hace {time}.",
    "no-limit":
      "El trabajo no fija `timeoutMs`, así que se espera una llamada que no termina nunca, como " +
      "una promesa que nunca se resuelve.",
    "backup-runs": "El intento {attempt}, de respaldo, está en {worker} desde hace {time}.",
    "input-missing": {
      one: "Lee la salida de {n} tarea más de {stage}.",
      other: "Lee la salida de {n} tareas más de {stage}.",
    },
    "input-arriving": {
      one: "La entrada de {n} tarea no ha llegado aún: quien la presentó la está enviando.",
      other: "La entrada de {n} tareas no ha llegado aún: quien las presentó la está enviando.",
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
    "sent-ahead": "El intento {attempt} se envió por adelantado a {worker} y espera un puesto.",
    "user-errors":
      "{errors:Falló|Fallaron} {errors} {errors:intento|intentos}, de {max} como máximo.",
    "user-errors-last":
      "{errors:Falló|Fallaron} {errors} {errors:intento|intentos}, de {max} como máximo; el " +
      "último: {last}",
    "no-worker": "No hay ningún nodo: inicie uno con `tequio join`, o comparta el enlace.",
    "workers-paused": {
      one: "El nodo no acepta tareas ahora: {reason}",
      other: "Los {n} nodos no aceptan tareas ahora: {reason}",
    },
    "no-runtime": "Ningún nodo ejecuta JavaScript.",
    "second-opinion": {
      one: "{n} resultado de un voluntario espera una segunda opinión, {own} de un nodo propio.",
      other: "{n} resultados de voluntarios esperan una segunda opinión, {own} de nodos propios.",
    },
    "not-deterministic":
      "No es determinista: la tarea {task} de {stage} dio dos resultados, de {first} y de " +
      "{second}. Quite lo que difiere, como crypto o el orden de las sumas.",
    "not-deterministic-record":
      "No es determinista: la tarea {task} de {stage} dio dos resultados, de {first} y de " +
      "{second}. El registro {record} es `{one}`, y `{other}`. Quite lo que difiere, como crypto " +
      "o el orden de las sumas.",
    disputed: "La tarea {task} de {stage} dio dos resultados, de {first} y de {second}. {settled}",
    "disputed-record":
      "La tarea {task} de {stage} dio dos resultados, de {first} y de {second}. El registro " +
      "{record} es `{one}`, y `{other}`. {settled}",
    "dispute-open": "No está decidido quién tiene razón.",
    "dispute-settled": "Está resuelto.",
    "dispute-wrong": "Resultó falso: {wrong}.",
    "one-worker":
      "Nada se calcula dos veces: `--trust audit` compara dos nodos propios que no son pestañas, " +
      "y hay menos. Inicie otro: `tequio up --workers 2`, o `tequio join`.",
    "no-own-worker":
      "No hay ningún nodo propio: lo que dicen los voluntarios se compara solo entre ellos, " +
      "decide la mayoría, y a nadie se le llama mentiroso. Una uno: `tequio join`.",
    "only-volunteers":
      "Solo hay voluntarios, y este trabajo no se comparte con ellos: añada un nodo propio con " +
      "`tequio join`, o envíelo con `--share volunteers`.",
    "no-python": "Ningún nodo tiene Python 3.9 o posterior: instale python3 en {workers}.",
    "no-python-here": "Ningún nodo tiene Python 3.9 o posterior: añada una máquina que lo tenga.",
    "other-python": "El trabajo solo se ejecuta en {wants}, que ningún nodo tiene: {has}.",
    "not-for-it-python": "{job} tiene tareas listas, pero este nodo no tiene Python.",
    "lacks-packages": "Ningún nodo tiene los paquetes que el trabajo requiere: {lacks}.",
    "input-too-large":
      "Su entrada es demasiado grande para las pestañas conectadas; añada un nodo con `tequio " +
      "join`.",
    "slots-taken": "Cada puesto de los nodos ({slots}) está ocupado, {others} por otros trabajos.",
    "owner-limit":
      "Los trabajos de {owner} ocupan {slots} {slots:puesto|puestos}, el máximo por propietario " +
      "(`tequio up --slots-per-owner`).",
    "fair-share":
      "{jobs} {jobs:trabajo comparte|trabajos comparten} los nodos; este tiene peso {weight} y " +
      "{attempts} {attempts:intento|intentos}. El próximo puesto libre es " +
      "para el trabajo más alejado de su parte.",
    "queue-position":
      "Antes en la cola: {owners} {owners:propietario|propietarios} más y {jobs} " +
      "{jobs:trabajo|trabajos} más de {owner}.",
    "worker-lost": "{worker} se perdió: se fue, o no se supo de él a tiempo.",
    "worker-paused": "{worker} no acepta nada ahora: {reason}",
    "worker-busy":
      "{worker} ejecuta {attempts} {attempts:intento|intentos} en {slots} {slots:puesto|puestos}.",
    "worker-busy-ahead":
      "{worker} ejecuta {attempts} {attempts:intento|intentos} en {slots} " +
      "{slots:puesto|puestos}; {ahead} más {ahead:espera|esperan} allí.",
    "worker-free": "{worker} tiene sitio.",
    "link-narrow":
      "Los mensajes grandes entre {who} y el coordinador se pierden en el camino, los pequeños " +
      "no: reduzca la MTU de su interfaz de red.",
    "worker-unreached":
      "{by} no puede conectarse con {worker}: {sent} de sus resultados pasaron por el " +
      "coordinador. Abra su puerto a los demás nodos.",
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
    "no-limit": "作业没有设置 `timeoutMs`，因此会一直等待永不结束的调用，例如永不完成的 Promise。",
    "backup-runs": "第 {attempt} 次尝试（备份）在 {worker} 上已运行 {time}。",
    "input-missing": {
      one: "还要读取 {n} 个{stage}任务的输出。",
      other: "还要读取 {n} 个{stage}任务的输出。",
    },
    "input-arriving": {
      one: "{n} 个任务的输入尚未到达：提交者正在发送。",
      other: "{n} 个任务的输入尚未到达：提交者正在发送。",
    },
    "output-lost": {
      one: "{n} 个{stage}任务的输出随工作节点丢失，正在重新计算。",
      other: "{n} 个{stage}任务的输出随工作节点丢失，正在重新计算。",
    },
    backoff: {
      one: "有 {n} 个失败的任务在等待下一次尝试，最多 {time}。",
      other: "有 {n} 个失败的任务在等待下一次尝试，最多 {time}。",
    },
    "sent-ahead": "第 {attempt} 次尝试已提前发给 {worker}，在那里等待槽位。",
    "user-errors": "已有 {errors} 次尝试失败，上限 {max} 次。",
    "user-errors-last": "已有 {errors} 次尝试失败，上限 {max} 次；最近一次：{last}",
    "no-worker": "没有工作节点：用 `tequio join` 启动一个，或分享加入链接。",
    "workers-paused": {
      one: "{n} 个工作节点暂不接受任务：{reason}",
      other: "全部 {n} 个工作节点暂不接受任务：{reason}",
    },
    "no-runtime": "没有能运行 JavaScript 的工作节点。",
    "second-opinion": {
      one: "志愿者的 {n} 个结果在等待第二意见，其中 {own} 个需由自有节点给出。",
      other: "志愿者的 {n} 个结果在等待第二意见，其中 {own} 个需由自有节点给出。",
    },
    "not-deterministic":
      "结果不确定：{stage}任务 {task} 由 {first} 和 {second} 得出两个不同的结果。" +
      "请去掉造成差异的部分，例如 crypto 或求和的顺序。",
    "not-deterministic-record":
      "结果不确定：{stage}任务 {task} 由 {first} 和 {second} 得出两个不同的结果。" +
      "第 {record} 条记录是 `{one}`，另一个是 `{other}`。" +
      "请去掉造成差异的部分，例如 crypto 或求和的顺序。",
    disputed: "{stage}任务 {task} 由 {first} 和 {second} 得出两个不同的结果。{settled}",
    "disputed-record":
      "{stage}任务 {task} 由 {first} 和 {second} 得出两个不同的结果。" +
      "第 {record} 条记录是 `{one}`，另一个是 `{other}`。{settled}",
    "dispute-open": "尚未确定谁是对的。",
    "dispute-settled": "已解决。",
    "dispute-wrong": "结果错误：{wrong}。",
    "one-worker":
      "没有任务被计算两次：`--trust audit` 需要两个不是标签页的自有节点来比较，而现在不足两个。" +
      "请再启动一个：`tequio up --workers 2` 或 `tequio join`。",
    "no-own-worker":
      "没有自有节点：志愿者的结果只在志愿者之间比较，由多数决定，不会认定谁在说谎。" +
      "请加入一个：`tequio join`。",
    "only-volunteers":
      "这里只有志愿者，而此作业未与他们共享：用 `tequio join` 加入自有节点，" +
      "或用 `--share volunteers` 提交。",
    "no-python": "没有工作节点装有 Python 3.9 或更新版本：请在 {workers} 上安装 python3。",
    "no-python-here": "没有工作节点装有 Python 3.9 或更新版本：请加入一台装有它的机器。",
    "other-python": "该作业只能在 {wants} 上运行，而没有工作节点装有它：{has}。",
    "not-for-it-python": "{job} 有就绪的任务，但此工作节点没有 Python。",
    "lacks-packages": "没有工作节点装有作业所需的软件包：{lacks}。",
    "input-too-large": "输入对现有标签页来说太大；请用 `tequio join` 添加工作节点。",
    "slots-taken": "工作节点的 {slots} 个槽位都被占用，其中 {others} 个属于其他作业。",
    "owner-limit":
      "{owner} 的作业占用 {slots} 个槽位，已达每个所有者的上限（`tequio up --slots-per-owner`）。",
    "fair-share":
      "{jobs} 个作业共享工作节点；本作业权重 {weight}，有 {attempts} 次尝试。下一个空闲槽位给最低于其份额的作业。",
    "queue-position": "排在它前面的：其他 {owners} 个所有者，以及 {owner} 的其他 {jobs} 个作业。",
    "worker-lost": "{worker} 已丢失：它离开了，或未及时收到它的消息。",
    "worker-paused": "{worker} 暂不接受任务：{reason}",
    "worker-busy": "{worker} 在 {slots} 个槽位中运行 {attempts} 次尝试。",
    "worker-busy-ahead":
      "{worker} 在 {slots} 个槽位中运行 {attempts} 次尝试，另有 {ahead} 次在等待。",
    "worker-free": "{worker} 有空位。",
    "link-narrow": "{who} 与协调器之间的大消息在途中丢失，小消息没有：请减小其网络接口的 MTU。",
    "worker-unreached":
      "{by} 无法连接 {worker}：其输出中有 {sent} 经由协调器传送。请向其他工作节点开放它的端口。",
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
  if (reason.kind === "user-errors" && (reason.last ?? "") !== "") {
    return one("user-errors-last", valuesOf(reason));
  }
  if (reason.kind === "worker-busy" && (reason.ahead ?? 0) > 0) {
    return one("worker-busy-ahead", valuesOf(reason));
  }
  if (reason.kind === "no-python" && reason.workers.length === 0) return one("no-python-here", {});
  if (reason.kind === "not-for-it" && reason.lacks !== undefined) {
    return one("not-for-it-python", valuesOf(reason));
  }
  if (reason.kind === "not-deterministic" && reason.record !== undefined) {
    return one("not-deterministic-record", valuesOf(reason));
  }
  if (reason.kind === "disputed") return disputeIn(reason);
  return one(reason.kind, valuesOf(reason));
}

function disputeIn(reason: Extract<Reason, { kind: "disputed" }>): string {
  const { isOpen, record, wrong } = reason;
  const settled =
    wrong.length === 0
      ? say(reasonMessages, isOpen ? "dispute-open" : "dispute-settled")
      : say(reasonMessages, "dispute-wrong", { wrong: wrong.join(", ") });
  const name = record === undefined ? "disputed" : "disputed-record";
  return say(reasonMessages, name, { ...valuesOf(reason), settled });
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
  if (reason.kind === "not-deterministic" || reason.kind === "disputed") {
    Object.assign(values, differenceValues(reason));
  }
  if (reason.kind === "worker-unreached") {
    values.by = reason.by.join(", ");
    values.sent = bytesText(reason.relayedBytes);
  }
  if (reason.kind === "no-python") values.workers = reason.workers.join(", ");
  if (reason.kind === "lacks-packages") {
    const each = reason.lacks.map(({ packages, worker }) => `${worker}: ${packages.join(", ")}`);
    values.lacks = each.join("; ");
  }
  if (reason.kind === "other-python") {
    values.has = reason.has.map(({ python, worker }) => `${worker}: ${python}`).join("; ");
  }
  if (reason.kind === "user-errors") values.max = reason.errorsMax;
  if (reason.kind === "slots-taken") values.others = reason.byOthers;
  const n = countOf(reason);
  return n === null ? values : { ...values, n };
}

function differenceValues({
  record,
  workers: [first, second],
}: Extract<Reason, { kind: "disputed" | "not-deterministic" }>): Values {
  if (record === undefined) return { first, second };
  // Backquotes are the marks of the text.
  const [one, other] = [record.first, record.second].map(
    (text) => text.replaceAll("`", "'") || "–",
  );
  return { first, second, record: countText(record.number), one: one ?? "", other: other ?? "" };
}

/** The number that selects singular or plural. */
function countOf(reason: Reason): number | null {
  if (reason.kind === "job-runs") return reason.attempts;
  if (reason.kind === "input-missing") return reason.left;
  if (reason.kind === "output-lost" || reason.kind === "backoff") return reason.tasks;
  if (reason.kind === "input-arriving") return reason.tasks;
  if (reason.kind === "workers-paused") return reason.workers;
  return reason.kind === "nothing-ready" ? reason.jobs : null;
}

function stateIn(state: Extract<Reason, { state: string }>["state"]): string {
  return state === "waiting" || state === "ready"
    ? say(reasonMessages, state)
    : say(jobMessages, state);
}
