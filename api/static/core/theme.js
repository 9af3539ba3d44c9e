// Light, dark, or as the system has it.

const KEY = "coterie-theme";
const ORDER = ["auto", "light", "dark"];

export const theme = () => localStorage.getItem(KEY) || "auto";

export function nextTheme() {
  const next = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  localStorage.setItem(KEY, next);
  document.documentElement.style.colorScheme = next === "auto" ? "" : next;
  // Canvases hold colours of their own.
  dispatchEvent(new Event("themechange"));
  return next;
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
