/** `tequio sql "select …"`: a question to files, as a job of operators. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { hostId } from "../../link/host.ts";
import type { BuiltJob } from "../../sdk/bundle.ts";
import type { TableOutput } from "../../sdk/job.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { wantsResult, withResult } from "../result/finish.ts";
import { saysWhere } from "../result/readers.ts";
import { refuseIgnored } from "./ignored-options.ts";
import { planOptions, type RunOptions } from "./plan-options.ts";
import { runBuilt, withLocal, withPlan } from "./run.ts";

type SqlOptions = RunOptions & {
  readonly format?: TableOutput;
  readonly explain?: boolean;
  readonly keepBad?: boolean;
  readonly keepBadUpTo?: number;
};

export function define(command: Command): void {
  withPlan(command.argument("<query>", "SELECT … FROM 'files', in quotes"))
    .option(
      "--format <format>",
      "of the result: csv, ndjson, parquet, arrow, or text with tabs (default: by the name that " +
        "-o or --merge gives, else csv)",
      formatArgument,
    )
    .option("--explain", "print the stages of the job, and do not run it")
    .option("--keep-bad", "set bad records aside instead of failing")
    .option(
      "--keep-bad-up-to <share>",
      "the same, and fail when more than this share of the lines is bad, such as 0.01 or 1%",
      shareArgument,
    );
  withResult(command)
    .option("--watch", "also print the job's log lines and failed attempts")
    .option("--detach", "submit, print the job's id and exit");
  withExamples(withJson(withTarget(withLocal(command))), [
    [
      `tequio sql --local "select city, sum(price) from 'sales/*.csv' group by city order by 2"`,
      "ask files of this machine, without a coordinator; the answer is printed",
    ],
    [
      `tequio sql "select verb, count(*) from 'logs/*.ndjson.gz' group by 1" -o out`,
      "ask on the cluster, and save a folder of CSV files",
    ],
    [
      `tequio sql --local "select * from 'old.csv' where price > 10" -o new.parquet`,
      "save one file, whose name says its format",
    ],
    [`tequio sql --explain "select distinct city from 'sales/*.csv'"`, "print what would run"],
  ]).action(run);
}

function shareArgument(given: string): number {
  const [, number, percent] = /^(\d*\.?\d+)(%?)$/.exec(given.trim()) ?? [];
  const share = Number(number) / (percent === "%" ? 100 : 1);
  if (share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError("it must be a share from 0 to 1, or a percentage");
}

const formats = ["csv", "ndjson", "parquet", "arrow", "text"] as const;

function formatArgument(given: string): string {
  if (formats.includes(given as TableOutput)) return given;
  throw new InvalidArgumentError("it must be csv, ndjson, parquet, arrow or text");
}

/** By the name of the file that the result goes to. */
function formatNamed({ merge = "", output = "" }: SqlOptions): TableOutput {
  const name = (merge || output).replace(/\.(gz|zst)$/i, "");
  const [, suffix = ""] = /\.(csv|ndjson|jsonl|json|parquet|arrow|feather)$/i.exec(name) ?? [];
  switch (suffix.toLowerCase()) {
    case "ndjson":
    case "jsonl":
    case "json":
      return "ndjson";
    case "parquet":
      return "parquet";
    case "arrow":
    case "feather":
      return "arrow";
    default:
      return "csv";
  }
}

/** As other engines are asked: `explain select …`. */
const explainWord = /^\s*explain\s+(?=select\b)/i;

async function run(given: string, options: SqlOptions): Promise<void> {
  const { sqlJob } = await import("../../sdk/sql/select.ts");
  const { operatorCode } = await import("../../sdk/build/operator-code.ts");
  const isExplained = options.explain === true || explainWord.test(given);
  const isPrinted = !wantsResult(options) && !options.detach && !isExplained;
  const asked = isPrinted ? { ...options, output: "-" } : options;
  // Its errors are as those of a result there.
  saysWhere(asked);
  refuseIgnored(options);
  const query = given.replace(explainWord, "");
  const { path, table } = await sqlJob(query);
  const { format = formatNamed(options), keepBad = false, keepBadUpTo } = options;
  const policy = keepBad ? "keep" : "fail";
  const badRecords = keepBadUpTo === undefined ? policy : { keepUpTo: keepBadUpTo };
  const job = table.with({ output: format, badRecords, name: options.name ?? "sql" });
  const hash = createHash("sha256").update(operatorCode).digest("hex");
  const built: BuiltJob = { code: operatorCode, hash, job, file: resolve("query.sql") };
  if (isExplained) return explain(built, path, options);
  await runBuilt(async () => built, [path], asked);
}

async function explain(built: BuiltJob, path: string, options: SqlOptions): Promise<void> {
  const { planJob } = await import("../../sdk/plan.ts");
  const { explained } = await import("../../sdk/sql/explain.ts");
  const planned = await planJob(built.job, {
    ...planOptions("operator", [path], options),
    host: hostId(),
  });
  try {
    const { operator, splits, inOneTask = false } = planned.plan;
    if (operator?.apply.operator !== "query") return;
    const lines = explained(operator.apply, splits.length, inOneTask);
    console.log(
      options.json ? JSON.stringify({ stages: lines, query: operator.apply }) : lines.join("\n"),
    );
  } finally {
    await planned.remove();
  }
}
