/** Who the reader is to the coordinator: decides what is offered. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Me } from "../../wire/api/messages.ts";

export const MeContext = createContext<Me | null>(null);

/** Null while it is not known. */
export function useMe(): Me | null {
  return useContext(MeContext);
}
