/** Refusals of the control channel that peers act on. The protocol has no error codes: masters send
 *  these words to the letter (docs/protocols/p4.md), and both sides take them from here. */

export const refusalWords = {
  /** 400: another peer has the name. */
  nameTaken: "Peer already registered",
  /** 401 or 404: the master does not know the peer's token; the peer registers again. */
  peerUnknown: "Peer not found",
} as const;
