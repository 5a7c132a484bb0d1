/** The page's entry: shows what the address names. */
import { render } from "preact";

render(<main />, document.getElementById("app") as HTMLElement);
