/** Small texts under names in JetStream, each with its sequence for compare-and-set. */
import type { Connection } from "./connection.ts";
import { apiCodes, isApiError } from "./failure.ts";
import { streamNames } from "./streams.ts";

export type StoredText = { readonly text: string; readonly sequence: number };

export class Texts {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Null = there is none. */
  async read(name: string): Promise<StoredText | null> {
    const { texts } = streamNames(this.#connection.place);
    const query = { last_by_subj: this.#subject(name) };
    try {
      const found = await this.#connection.look(({ jsm }) => jsm.streams.getMessage(texts, query));
      return found === null ? null : { text: textOf(found.data), sequence: found.seq };
    } catch (error) {
      if (isApiError(error, apiCodes.noMessage)) return null;
      throw error;
    }
  }

  /** Replaces exactly the text with this sequence, 0 = none. Resolves with the new sequence, null
   *  when there is another text. */
  async swap(name: string, expected: number, text: string): Promise<number | null> {
    try {
      return await this.#publish(name, text, { lastSubjectSequence: expected });
    } catch (error) {
      if (isApiError(error, apiCodes.wrongSequence)) return null;
      throw error;
    }
  }

  async replace(name: string, text: string): Promise<void> {
    await this.#publish(name, text, {});
  }

  #publish(name: string, text: string, expect: { lastSubjectSequence?: number }): Promise<number> {
    const { texts } = streamNames(this.#connection.place);
    const timeout = this.#connection.writeMs;
    const options = { expect: { ...expect, streamName: texts }, timeout };
    return this.#connection.use(async ({ js }) => {
      return (await js.publish(this.#subject(name), Buffer.from(text), options)).seq;
    });
  }

  /** Names have dots, which separate the tokens of subjects. */
  #subject(name: string): string {
    const token = Buffer.from(name).toString("base64url");
    return streamNames(this.#connection.place).textPrefix + token;
  }
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString();
}
