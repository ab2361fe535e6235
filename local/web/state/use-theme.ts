import { useAtom } from "jotai";
import { useEffect, useSyncExternalStore } from "react";
import { chosenThemeAtom, type Theme } from "./session.ts";

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function onSystemChange(listener: () => void): () => void {
  systemDark.addEventListener("change", listener);
  return () => systemDark.removeEventListener("change", listener);
}

/** The theme in use: the one that was chosen, otherwise the system's. Keeps the document in it. */
export function useTheme(): { readonly theme: Theme; readonly toggle: () => void } {
  const [chosen, choose] = useAtom(chosenThemeAtom);
  const isSystemDark = useSyncExternalStore(onSystemChange, () => systemDark.matches);
  const theme = chosen ?? (isSystemDark ? "dark" : "light");
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return { theme, toggle: () => choose(theme === "dark" ? "light" : "dark") };
}
