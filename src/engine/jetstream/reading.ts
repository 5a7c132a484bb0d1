/** Verified reads of a log in JetStream, for its writer and for those that follow it. */
import type { JetStreamManager, MsgRequest, StoredMsg } from "@nats-io/jetstream";
import type { Blobs } from "../../store/blob/blob.ts";
import { sameHash } from "../../store/log/chain.ts";
import type { LogRecord } from "../../store/log/log.ts";
import { damagedRecord, trimmedLog } from "../../store/log/rules.ts";
import { type ChainPlace, unpackBatch } from "../batch.ts";
import { readSnapshot } from "../snapshot-blob.ts";
import type { Connection } from "./connection.ts";
import { apiCodes, isApiError } from "./failure.ts";
import { type LogHead, readHead } from "./head.ts";
import { decodeLarge, decodeMessage, type StoredMessage } from "./message.ts";
import { streamNames } from "./streams.ts";
import { Texts } from "./texts.ts";

/** Messages that are asked for at the same time. */
const pageMax = 32;

export class JetStreamReader {
  readonly texts: Texts;
  readonly #connection: Connection;
  readonly #blobs: Blobs;
  /** Where the newest read ended, so that the next one need not search. */
  #ended = { position: -1, sequence: 0 };

  constructor(connection: Connection, blobs: Blobs) {
    this.#connection = connection;
    this.#blobs = blobs;
    this.texts = new Texts(connection);
  }

  get name(): string {
    return this.#connection.place.name;
  }

  async head(): Promise<LogHead> {
    return (await readHead(this.texts, this.name)).head;
  }

  /** The newest message; null in a new log. */
  end(): Promise<StoredMessage | null> {
    const query = { last_by_subj: streamNames(this.#connection.place).logSubject };
    return this.#decoded(() => this.#connection.look(({ jsm }) => this.#get(jsm, query)));
  }

  /** Sequences of the first and the last message that the stream has had; `first` is above `last`
   *  when it has none. */
  async range(): Promise<{ readonly first: number; readonly last: number }> {
    const { log } = streamNames(this.#connection.place);
    const { state } = await this.#connection.look(({ jsm }) => jsm.streams.info(log));
    return { first: state.first_seq, last: state.last_seq };
  }

  async snapshot(): Promise<LogRecord | null> {
    // One that is replaced meanwhile is gone from the store.
    for (let before = ""; ; ) {
      const { snapshot } = await this.head();
      try {
        return await readSnapshot(this.#blobs, snapshot, this.name);
      } catch (error) {
        if (snapshot.blob === before) throw error;
        before = snapshot.blob;
      }
    }
  }

  /** Records after `after`, up to and including those of message `end`. */
  async *records(after: number, end: StoredMessage, mayGoOn: () => void): AsyncIterable<LogRecord> {
    let from: ChainPlace | null = null;
    let sequence = await this.#firstAfter(after, end);
    while (sequence <= end.sequence) {
      const count = Math.min(pageMax, end.sequence - sequence + 1);
      const asked = Array.from({ length: count }, (_, index) => this.message(sequence + index));
      for (const message of await Promise.all(asked)) {
        mayGoOn();
        if (message === null) throw await this.#missing((from?.position ?? after) + 1);
        from ??= await this.#startOf(message, after);
        for await (const record of this.#unpacked(message, from)) {
          from = record;
          if (record.position <= after) continue;
          mayGoOn();
          yield { position: record.position, bytes: Uint8Array.from(record.bytes) };
        }
        sequence += 1;
        this.#ended = { position: from.position, sequence };
      }
    }
  }

  /** The hash of a record, or of where the chain starts. */
  async hashAt(position: number, end: StoredMessage | null, head: LogHead): Promise<Uint8Array> {
    if (position === head.trimmed) return head.trimmedHash;
    const message = end === null ? null : await this.find(position, end);
    if (message === null) throw damagedRecord(this.name, position, "is missing");
    if (message.last === position) return message.hash;
    const from = { position: message.first - 1, hash: message.previous };
    for await (const record of this.#unpacked(message, from)) {
      if (record.position === position) return Uint8Array.from(record.hash);
    }
    throw damagedRecord(this.name, position, "is missing");
  }

  /** The first message that ends at or after the position; null when none does. */
  async find(position: number, end: StoredMessage): Promise<StoredMessage | null> {
    if (position > end.last) return null;
    const { first } = await this.range();
    let [low, found] = [first, end];
    while (low < found.sequence) {
      const middle = Math.floor((low + found.sequence) / 2);
      const message = await this.message(middle);
      if (message === null) {
        // Trimmed meanwhile, or lost: the messages after it say which.
        low = middle + 1;
      } else if (message.last >= position) found = message;
      else low = middle + 1;
    }
    // The writer keeps its newest message without its bytes.
    return found === end ? this.message(end.sequence) : found;
  }

  /** Null when there is none. */
  message(sequence: number): Promise<StoredMessage | null> {
    // Many are asked for at the same time: a slow line need not carry them twice.
    return this.#decoded(() =>
      this.#connection.use(({ jsm }) => this.#get(jsm, { seq: sequence })),
    );
  }

  #get(jsm: JetStreamManager, query: MsgRequest): Promise<StoredMsg | null> {
    return jsm.streams.getMessage(streamNames(this.#connection.place).log, query);
  }

  async #decoded(get: () => Promise<StoredMsg | null>): Promise<StoredMessage | null> {
    try {
      const found = await get();
      return found === null ? null : decodeMessage(found.data, found.seq, this.name);
    } catch (error) {
      if (isApiError(error, apiCodes.noMessage)) return null;
      throw error;
    }
  }

  async #firstAfter(after: number, end: StoredMessage): Promise<number> {
    if (after === this.#ended.position) return this.#ended.sequence;
    return (await this.find(after + 1, end))?.sequence ?? end.sequence + 1;
  }

  async *#unpacked(
    message: StoredMessage,
    from: ChainPlace,
  ): AsyncIterable<LogRecord & ChainPlace> {
    const { first, hash, kind, last, previous } = message;
    if (first !== from.position + 1) {
      throw damagedRecord(this.name, from.position + 1, "is missing");
    }
    if (!sameHash(previous, from.hash)) {
      throw damagedRecord(this.name, first, "does not follow the one before it");
    }
    let end = from;
    if (kind !== "claim") {
      for (const record of unpackBatch(await this.#batchOf(message), from, this.name)) {
        end = record;
        yield record;
      }
    }
    if (end.position !== last || !sameHash(end.hash, hash)) {
      throw damagedRecord(this.name, last, "is not the end of its batch");
    }
  }

  async #batchOf({ body, first, kind }: StoredMessage): Promise<Uint8Array> {
    if (kind === "batch") return body;
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of this.#blobs.read(decodeLarge(body))) {
        chunks.push(Uint8Array.from(chunk));
      }
    } catch (error) {
      const why = `is in a blob that cannot be read (${(error as Error).message})`;
      throw damagedRecord(this.name, first, why);
    }
    return Buffer.concat(chunks);
  }

  /** Where the chain is before a message that is read first. */
  async #startOf({ first, previous, sequence }: StoredMessage, after: number): Promise<ChainPlace> {
    const position = first - 1;
    if (position > after) throw await this.#missing(after + 1);
    const start = { position, hash: previous };
    const before = await this.message(sequence - 1);
    if (before !== null) return { position: before.last, hash: before.hash };
    const { trimmed, trimmedHash } = await this.head();
    if (position > trimmed) throw damagedRecord(this.name, position, "is missing");
    return position === trimmed ? { position, hash: trimmedHash } : start;
  }

  async #missing(position: number): Promise<Error> {
    const { trimmed } = await this.head();
    if (position <= trimmed) return trimmedLog(this.name, trimmed, position);
    return damagedRecord(this.name, position, "is missing");
  }
}
