/** Text links inside one process against the suite of all text links. */
import { textLinkConformance } from "../../test/conformance/register.ts";
import { MemoryText } from "./memory-text.ts";

textLinkConformance("memory", async () => ({ ends: MemoryText.pair("memory") }));
