/** `SELECT` as a table: columns that are read, `WHERE`, groups, `HAVING`, order, `LIMIT`. */
import type { SelectFromStatement } from "pgsql-ast-parser";
import { Cell, type Operand } from "../operators/query/cell.ts";
import type { SortBy, Table } from "../operators/query/table.ts";
import { Aggregates, isAggregate } from "./aggregates.ts";
import { type Scope, type Typed, truthOf, typed } from "./expressions.ts";
import { inSteps } from "./instead.ts";
import { type Spellings, sameColumn, sameName, withColumns } from "./names.ts";
import { type Expression, type Parsed, parseSql } from "./parse.ts";
import { refusal, wrong } from "./refusal.ts";
import { shown } from "./shown.ts";
import { type SqlSource, sourceOf } from "./sources.ts";

export type SqlJob = {
  readonly table: Table<string, unknown>;
  /** What it reads. */
  readonly path: string;
};

/** Throws `bad-request`, naming what is wrong or not supported. */
export async function sqlJob(query: string): Promise<SqlJob> {
  const { path, select, spellings } = await parseSql(query);
  refuseOthers(select);
  const source = await sourceOf(path);
  if (select.columns?.some(({ expr }) => isAll(expr))) await source.refuseMore();
  return { table: new Select({ select, spellings }, source).table(), path };
}

/** `*`, or `t.*`. */
function isAll(expression: Expression): boolean {
  return expression.type === "ref" && expression.name === "*";
}

function refuseOthers({ distinct, for: locks, from }: SelectFromStatement): void {
  if ((from?.length ?? 0) > 1)
    throw refusal("a join", "joins are jobs: orders.join(users, { on: … })");
  if (from?.[0]?.type !== "table") throw refusal("a query in FROM", inSteps);
  if (locks) throw refusal("FOR UPDATE");
  if (Array.isArray(distinct)) throw refusal("DISTINCT ON", "by(…).topK(1, …) in a job file");
}

type Output = { readonly name: string; readonly expression: Expression };

class Select {
  readonly #select: SelectFromStatement;
  readonly #source: SqlSource;
  readonly #spellings: Spellings;
  /** Columns of the source that something asks for. */
  readonly #read = new Set<string>();
  readonly #rows: Scope;
  readonly #alias: string | null;
  /** Columns of the result whose expressions are looked into: one may have its own name in it. */
  readonly #naming = new Set<string>();

  constructor({ select, spellings }: Pick<Parsed, "select" | "spellings">, source: SqlSource) {
    this.#select = select;
    const hasAll = select.columns?.some(({ expr }) => isAll(expr)) ?? false;
    const all = hasAll ? [...source.columns.keys()] : [];
    this.#spellings = withColumns(spellings, all);
    this.#source = source;
    const [from] = select.from ?? [];
    this.#alias = (from?.type === "table" && from.name.alias) || null;
    this.#rows = {
      column: (name, table) => this.#column(name, table),
      aggregate: (expression) => {
        if (!isAggregate(expression)) return null;
        throw wrong(`${shown(expression)} is an aggregate, and stands where rows are meant`);
      },
    };
  }

  table(): Table<string, unknown> {
    const { groupBy, having, where } = this.#select;
    const outputs = this.#outputs();
    const test = where ? truthOf(where, typed(where, this.#rows), "WHERE") : null;
    const sorts = (this.#select.orderBy ?? []).map(({ by }) => by);
    const isGrouped =
      (groupBy?.length ?? 0) > 0 ||
      !!having ||
      [...outputs.map((o) => o.expression), ...sorts].some(hasAggregate);
    const made = isGrouped ? this.#grouped(outputs) : this.#plain(outputs);
    const read = [...this.#read];
    if (read.length === 0) read.push(this.#anyColumn());
    let table = this.#source.table(read);
    if (test !== null) table = table.where(() => asCell(test));
    return made(table);
  }

  /** A column of the rows as they are read. */
  #column(given: string, table: string | null): Typed {
    const isOwn = table === null || table === this.#alias;
    const made = table === null ? this.#made(given) : null;
    if (made !== null) return made;
    const name = this.#named(isOwn ? given : `${table}.${given}`);
    this.#read.add(name);
    const type = this.#source.columns.get(name) ?? "any";
    const cell = new Cell({ column: name });
    const isKept = !this.#source.isText || (type !== "number" && type !== "boolean");
    return { of: isKept ? cell : type === "number" ? cell.number() : cell.boolean(), type };
  }

  /** What has that name in the result, when no column of the files has it. */
  #made(given: string): Typed | null {
    if (this.#found(given) !== undefined) return null;
    const output = outputNamed(given, this.#outputs());
    if (output === undefined || this.#naming.has(output.name)) return null;
    this.#naming.add(output.name);
    try {
      return typed(output.expression, this.#rows);
    } finally {
      this.#naming.delete(output.name);
    }
  }

  /** Whether it names a column that is read: GROUP BY takes that before one of the result. */
  #isColumn(by: Expression): boolean {
    const isName = by.type === "ref" && by.table === undefined;
    return isName && this.#found(by.name) !== undefined;
  }

  /** Equal for expressions that mean the same columns, however their names are written. */
  readonly #textOf = (expression: Expression): string => {
    return JSON.stringify(expression, (_, part: Expression | null) => {
      if (part?.type !== "ref") return part;
      const table = part.table?.name;
      const isOwn = table === undefined || table === this.#alias;
      const name = isOwn ? part.name : `${table}.${part.name}`;
      return { column: this.#found(name) ?? name.toLowerCase() };
    });
  };

  #found(given: string): string | undefined {
    return sameColumn([...this.#source.columns.keys()], given, this.#spellings);
  }

  /** As it is written, else whatever the case of its letters. */
  #named(given: string): string {
    const { columns, seen } = this.#source;
    const found = this.#found(given);
    if (found !== undefined) return found;
    const where = seen === "" ? "" : ` ${seen}`;
    throw wrong(`no column "${given}"${where}; there are: ${[...columns.keys()].join(", ")}`);
  }

  /** Without AS. */
  #nameOf(expression: Expression): string {
    if (expression.type !== "ref") return shown(expression);
    const table = expression.table?.name;
    const whole = table === undefined ? expression.name : `${table}.${expression.name}`;
    if (table !== undefined && this.#source.columns.has(whole)) return whole;
    return this.#found(expression.name) ?? expression.name;
  }

  #anyColumn(): string {
    const [first] = this.#source.columns.keys();
    if (first !== undefined) return first;
    throw wrong("the files have no columns");
  }

  #outputs(): Output[] {
    return (this.#select.columns ?? []).flatMap(({ expr, alias }): Output[] => {
      if (!isAll(expr)) {
        return [{ name: alias?.name ?? this.#nameOf(expr), expression: expr }];
      }
      return [...this.#source.columns.keys()].map((name) => ({
        name,
        expression: { type: "ref", name },
      }));
    });
  }

  /** Without groups. */
  #plain(outputs: readonly Output[]): (table: Table<string, unknown>) => Table<string, unknown> {
    const columns = new Map(
      outputs.map(({ name, expression }) => [name, typed(expression, this.#rows).of]),
    );
    checkNames(outputs);
    const isDistinct = this.#select.distinct === "distinct";
    const order = this.#order(outputs, this.#rows, isDistinct);
    return (table) => {
      const selected = table.select(selection([...columns, ...order.hidden]));
      return this.#end(isDistinct ? selected.distinct() : selected, outputs, order);
    };
  }

  #grouped(outputs: readonly Output[]): (table: Table<string, unknown>) => Table<string, unknown> {
    checkNames(outputs);
    const groups = (this.#select.groupBy ?? []).map((by) =>
      this.#isColumn(by) ? by : (this.#outputOf(by, outputs)?.expression ?? by),
    );
    const aggregates = new Aggregates(this.#rows);
    const keys = new Map<string, Typed>();
    for (const [i, by] of groups.entries()) {
      const key = this.#textOf(by);
      if (!keys.has(key))
        keys.set(key, { ...typed(by, this.#rows), of: new Cell({ column: `key ${i}` }) });
    }
    const computed = new Map<string, Operand>();
    for (const [i, by] of groups.entries()) computed.set(`key ${i}`, typed(by, this.#rows).of);
    const scope: Scope = {
      column: (name, of) => {
        const named = of === null ? outputNamed(name, outputs) : undefined;
        if (named !== undefined && named.expression.type !== "ref") {
          return typed(named.expression, scope);
        }
        throw wrong(`"${name}" must be in GROUP BY, or in an aggregate`);
      },
      aggregate: (expression) =>
        keys.get(this.#textOf(expression)) ??
        (isAggregate(expression) ? aggregates.take(expression) : null),
    };
    const columns = new Map(
      outputs.map(({ name, expression }) => [name, typed(expression, scope).of]),
    );
    const { distinct, having } = this.#select;
    const test = having ? truthOf(having, typed(having, scope), "HAVING") : null;
    const isDistinct = distinct === "distinct";
    const order = this.#order(outputs, scope, isDistinct);
    return (table) => {
      const before = [...computed, ...aggregates.computed];
      // Only counted: any column keeps the rows.
      const rows = before.length === 0 ? table : table.select(selection(before));
      let grouped: Table<string, unknown> = rows
        .by(...computed.keys())
        .aggregate(Object.fromEntries(aggregates.named));
      if (test !== null) grouped = grouped.where(() => asCell(test));
      const selected = grouped.select(selection([...columns, ...order.hidden]));
      return this.#end(isDistinct ? selected.distinct() : selected, outputs, order);
    };
  }

  #order(outputs: readonly Output[], scope: Scope, isDistinct: boolean): Order {
    const hidden = new Map<string, Operand>();
    const by = (this.#select.orderBy ?? []).map(
      ({ by: expression, nulls, order }): SortBy<string> => {
        const output = this.#outputOf(expression, outputs);
        let name = output?.name;
        if (name === undefined) {
          if (isDistinct) throw wrong("with DISTINCT, ORDER BY must name columns of the result");
          name = `order ${hidden.size}`;
          hidden.set(name, typed(expression, scope).of);
        }
        const direction = order === "DESC" ? "descending" : "ascending";
        return { by: name, order: direction, nulls: nulls === "FIRST" ? "first" : "last" };
      },
    );
    return { by, hidden };
  }

  /** The column of the result that an item of GROUP BY or ORDER BY means: by its number, its name,
   *  or as the same expression. */
  #outputOf(expression: Expression, outputs: readonly Output[]): Output | undefined {
    if (expression.type === "integer") {
      const output = outputs[expression.value - 1];
      if (output !== undefined) return output;
      throw wrong(`there is no column ${expression.value} in the result`);
    }
    const isName = expression.type === "ref" && expression.table === undefined;
    const named = isName ? outputNamed(expression.name, outputs) : undefined;
    const text = this.#textOf(expression);
    return named ?? outputs.find((output) => this.#textOf(output.expression) === text);
  }

  #end(
    table: Table<string, unknown>,
    outputs: readonly Output[],
    { by, hidden }: Order,
  ): Table<string, unknown> {
    let end = by.length === 0 ? table : table.sort(...by);
    const { limit, offset } = this.#select.limit ?? {};
    if (limit !== undefined || offset !== undefined) {
      end = end.limit(limit ? rowsOf(limit) : 10_000_000, offset ? rowsOf(offset) : 0);
    }
    if (hidden.size === 0) return end;
    return end.select(Object.fromEntries(outputs.map(({ name }) => [name, true as const])));
  }
}

type Order = {
  readonly by: readonly SortBy<string>[];
  /** Columns that are only sorted by. */
  readonly hidden: ReadonlyMap<string, Operand>;
};

function outputNamed(given: string, outputs: readonly Output[]): Output | undefined {
  const names = outputs.map(({ name }) => name);
  const name = sameName(names, given);
  return name === undefined ? undefined : outputs[names.indexOf(name)];
}

function selection(columns: ReadonlyArray<readonly [string, Operand]>) {
  return Object.fromEntries(columns.map(([name, of]) => [name, () => of]));
}

function asCell(of: Operand): Cell<unknown> {
  return of instanceof Cell ? of : new Cell({ value: of });
}

function rowsOf(expression: Expression): number {
  if (expression.type === "integer" && expression.value >= 0) return expression.value;
  throw wrong("LIMIT and OFFSET take a whole number");
}

function checkNames(outputs: readonly Output[]): void {
  const twice = outputs.find(({ name }, i) => outputs.findIndex((o) => o.name === name) !== i);
  if (twice === undefined) return;
  throw wrong(`two columns of the result are named "${twice.name}"; give one another name with AS`);
}

function hasAggregate(expression: Expression): boolean {
  if (isAggregate(expression)) return true;
  return Object.values(expression).some((part) =>
    (Array.isArray(part) ? part : [part]).some(
      (one) => typeof one === "object" && one !== null && hasAggregate(one as Expression),
    ),
  );
}

/** Of a column of the result without a name of its own. */
