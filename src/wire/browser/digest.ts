/** What a tab's input ends with when it asks for `?digest=1`: the SHA-256 of all bytes before. */

export const digestBytes = 32;
/** Of an answer that has it; one of an older coordinator has another type, and no digest. */
export const digestedType = "application/x-digested";
