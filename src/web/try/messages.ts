/** Texts of the Try page. */
import { catalogue } from "../i18n/language.ts";

export const tryMessages = catalogue({
  en: {
    title: "Try it",
    intro:
      "Write a small job and run it here, in a sandbox of this tab: no network, no files. The " +
      "same job runs on the cluster: from here, or with `tequio run {file}`.",
    sample: "Begin with",
    words: "Count words",
    sales: "Sum sales by city",
    tasks: "A list of tasks",
    wordsPython: "Count words, in Python",
    salesPython: "A table of sales, in Python",
    job: "Job",
    input: "Sample input",
    run: "Run here",
    running: "Running …",
    cluster: "Run on the cluster",
    save: "Save as {file}",
    loading: "Loading the editor …",
    failed: "It failed",
    noPython:
      "The coordinator has no Python for tabs: the package pyodide, release 314, is not " +
      "installed beside it. Its operator installs it: npm install pyodide@314",
    pythonDenied:
      "{at} refused to send Python ({why}). Sign in again, or open the link that tequio up " +
      "prints; a proxy in between may want the same.",
    pythonAway:
      "Python could not be fetched from {at} ({why}). Check that the coordinator runs and that " +
      "this browser reaches it, then run the job again.",
    pythonFailed:
      "Python could not be fetched from {at}: {why}. Run the job again; if it stays so, the " +
      "coordinator's operator finds the cause in its output.",
    tooLong: "It ran for {time} and was stopped.",
    result: "Result",
    rows: { one: "{n} row in {time}", other: "{n} rows in {time}" },
    moreRows: "The first {shown} of {all} rows are shown.",
    logs: "Log",
    nothing: "Run the job to see its result.",
    keys: "Ctrl+Enter runs; Escape, then Tab, leaves the editor.",
  },
  es: {
    title: "Probar",
    intro:
      "Escriba un trabajo pequeño y ejecútelo aquí, aislado en esta pestaña: sin red ni " +
      "archivos. El mismo trabajo se ejecuta en el clúster: desde aquí, o con `tequio run {file}`.",
    sample: "Empezar con",
    words: "Contar palabras",
    sales: "Sumar ventas por ciudad",
    tasks: "Una lista de tareas",
    wordsPython: "Contar palabras, en Python",
    salesPython: "Una tabla de ventas, en Python",
    job: "Trabajo",
    input: "Entrada de muestra",
    run: "Ejecutar aquí",
    running: "Ejecutando…",
    cluster: "Ejecutar en el clúster",
    save: "Guardar como {file}",
    loading: "Cargando el editor…",
    failed: "Falló",
    noPython:
      "El coordinador no tiene Python para las pestañas: el paquete pyodide, versión 314, no " +
      "está instalado junto a él. Su operador lo instala: npm install pyodide@314",
    pythonDenied:
      "{at} se negó a enviar Python ({why}). Inicie sesión de nuevo o abra el enlace que muestra " +
      "tequio up; un proxy intermedio puede pedir lo mismo.",
    pythonAway:
      "No se pudo obtener Python de {at} ({why}). Compruebe que el coordinador está en marcha y " +
      "que este navegador llega a él, y ejecute el trabajo de nuevo.",
    pythonFailed:
      "No se pudo obtener Python de {at}: {why}. Ejecute el trabajo de nuevo; si se repite, el " +
      "operador del coordinador encuentra la causa en su salida.",
    tooLong: "Se ejecutó durante {time} y fue detenido.",
    result: "Resultado",
    rows: { one: "{n} fila en {time}", other: "{n} filas en {time}" },
    moreRows: "Se muestran las primeras {shown} de {all} filas.",
    logs: "Registro",
    nothing: "Ejecute el trabajo para ver su resultado.",
    keys: "Ctrl+Intro ejecuta; Escape y luego Tab sale del editor.",
  },
  zh: {
    title: "试一试",
    intro:
      "写一个小作业，就在此标签页的沙箱里运行：没有网络，没有文件。同一个作业也能在集群上运行：从这里，或用 `tequio run {file}`。",
    sample: "从示例开始",
    words: "统计词频",
    sales: "按城市汇总销售",
    tasks: "任务列表",
    wordsPython: "统计词频（Python）",
    salesPython: "销售表（Python）",
    job: "作业",
    input: "示例输入",
    run: "在此运行",
    running: "运行中……",
    cluster: "在集群上运行",
    save: "保存为 {file}",
    loading: "编辑器正在加载……",
    failed: "运行失败",
    noPython:
      "协调器没有供标签页使用的 Python：其旁未安装 314 版的 pyodide 软件包。请管理员安装：npm install pyodide@314",
    pythonDenied:
      "{at} 拒绝发送 Python（{why}）。请重新登录，或打开 tequio up 打印的链接；中间的代理也可能有此要求。",
    pythonAway:
      "无法从 {at} 获取 Python（{why}）。请确认协调器正在运行、此浏览器能连到它，然后再次运行作业。",
    pythonFailed:
      "无法从 {at} 获取 Python：{why}。请再次运行作业；若仍如此，管理员可在协调器的输出中找到原因。",
    tooLong: "已运行 {time}，被停止。",
    result: "结果",
    rows: { one: "{n} 行，用时 {time}", other: "{n} 行，用时 {time}" },
    moreRows: "只显示 {all} 行中的前 {shown} 行。",
    logs: "日志",
    nothing: "运行作业以查看结果。",
    keys: "Ctrl+Enter 运行；先按 Escape 再按 Tab 可离开编辑器。",
  },
});
