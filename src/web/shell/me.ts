/** The reader's identity and rights at the coordinator: they decide which actions are offered. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Me } from "../../wire/api/messages.ts";

export const MeContext = createContext<Me | null>(null);

/** Null until it is known. */
export function useMe(): Me | null {
  return useContext(MeContext);
}
