/** Light or dark: the system's setting, unless the reader has chosen. */
export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const stored = "tequio.theme";

export function theme(): Theme {
  try {
    const name = localStorage.getItem(stored);
    return themes.find((one) => one === name) ?? "system";
  } catch {
    return "system";
  }
}

export function setTheme(name: Theme): void {
  try {
    localStorage.setItem(stored, name);
  } catch {
    // Without storage the choice is not kept.
  }
  showTheme(name);
}

export function showTheme(name: Theme): void {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  for (const listener of [...listeners]) listener();
}

const listeners = new Set<() => void>();

/** The colours of the page have changed: canvases have to be drawn again. */
export function onColoursChanged(listener: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  listeners.add(listener);
  system.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
  };
}
