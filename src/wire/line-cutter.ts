/** Cuts text that comes in pieces into lines. Each piece is looked at once, however long the line
 *  is that it belongs to: adding to one text and looking for its end again would cost the square of
 *  the line's length. */

export class LineCutter {
  /** Of the line that has not ended. */
  #pieces: string[] = [];
  #restCharacters = 0;

  /** Of the line that has not ended: the caller decides how long it may be. */
  get restCharacters(): number {
    return this.#restCharacters;
  }

  /** The lines that end in this piece, without their newlines. */
  add(piece: string): readonly string[] {
    const first = piece.indexOf("\n");
    if (first === -1) {
      if (piece !== "") this.#pieces.push(piece);
      this.#restCharacters += piece.length;
      return [];
    }
    const lines = piece.split("\n");
    const rest = lines.pop() as string;
    if (this.#pieces.length > 0) lines[0] = this.#pieces.join("") + (lines[0] as string);
    this.#pieces = rest === "" ? [] : [rest];
    this.#restCharacters = rest.length;
    return lines;
  }

  /** What came behind the last newline; it is forgotten. */
  end(): string {
    const rest = this.#pieces.join("");
    this.#pieces = [];
    this.#restCharacters = 0;
    return rest;
  }
}
