/** Refusals of the control channel that peers act on. The protocol has no error codes: masters send
 *  exactly these words (docs/protocols/p4.md), and both sides use these constants. */

export const refusalWords = {
  /** 400: another peer has the name. */
  nameTaken: "Peer already registered",
  /** 401 or 404: the master does not know the peer's token; the peer registers again. */
  peerUnknown: "Peer not found",
} as const;
