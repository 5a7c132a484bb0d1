/** What the rows of results are, as the compiler infers them of operators: nothing here is there
 *  when a program runs. */
import type { OutputFormat } from "../../core/job.ts";
import type { JoinKind } from "./join.ts";

/** In which formats jobs can be asked for. */
export type TableOutput = Exclude<OutputFormat, "bytes" | "rows">;

/** A value as the lines of a result have it. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** What a value can be that records are grouped and joined by. */
type Scalar = string | number | boolean | null;

/** A record as an object of its columns `C`: a text is the value of the one that it has. */
export type ColumnsOf<In, C extends string> = In extends string
  ? { readonly [column in C]: string }
  : In;

/** As `JobOf` has it; of a method, so that a job of some rows is one of rows that are unknown. */
export type TypesOf<Row> = { types(row: Row, params: never): void }["types"];

/** A row of a table that is written as `O`: CSV and text know no other values than texts. */
export type TableRow<R, O extends TableOutput> = O extends "csv" | "text"
  ? { readonly [column in keyof R]: string }
  : R;

/** A pair of a result that is written as `O`. */
export type PairRow<K, V, O extends TableOutput> = [O] extends ["text"]
  ? readonly [key: string, value: string]
  : readonly [key: K, value: V];

/** A value by which records are grouped or joined. */
type KeyOf<R, C> = C extends keyof R ? Extract<R[C], Scalar> : never;

/** The key of a group by these columns: none, one, several. */
export type GroupKey<R, By extends readonly string[]> = number extends By["length"]
  ? KeyOf<R, By[number]> | readonly KeyOf<R, By[number]>[] | null
  : By extends readonly []
    ? null
    : By extends readonly [infer One]
      ? KeyOf<R, One>
      : { readonly [place in keyof By]: KeyOf<R, By[place]> };

type IsUnion<T, All = T> = T extends unknown ? ([All] extends [T] ? false : true) : never;

/** The key of a group by all columns of a source, whose order the compiler does not know. */
export type RecordKey<R, C extends string> = string extends C
  ? KeyOf<R, C> | readonly KeyOf<R, C>[]
  : IsUnion<C> extends true
    ? readonly KeyOf<R, C>[]
    : KeyOf<R, C>;

/** A row of sorted records; `O` is never when no output is asked for: texts are lines then. */
export type SortedRow<In, R, O extends TableOutput> = [O] extends [never]
  ? OwnRow<In, R>
  : [Exclude<TableOutput, "text">] extends [O]
    ? OwnRow<In, R> | TableRow<R, O>
    : TableRow<R, O>;

type OwnRow<In, R> = In extends string ? string : R;

/** A row of a join: what the sides are as records, and by which columns they are joined. */
export type JoinedRow<
  Of extends { left: unknown; right: unknown; leftRow: unknown; rightRow: unknown },
  On,
  Kind extends JoinKind,
  O extends TableOutput,
> = PairRow<
  KeyOf<Of["leftRow"], OnSide<On, "left">> | KeyOf<Of["rightRow"], OnSide<On, "right">>,
  {
    readonly left: Of["left"] | Absent<Kind, "right" | "outer">;
    readonly right: Of["right"] | Absent<Kind, "left" | "outer">;
  },
  O
>;

type OnSide<On, Side extends "left" | "right"> = On extends { readonly [side in Side]: infer C }
  ? C
  : On;

/** Null where rows without a partner are kept. */
type Absent<Kind, Keeping> = Extract<Kind, Keeping> extends never ? never : null;
