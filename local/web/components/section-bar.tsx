import { useAtom } from "jotai";
import { type View, viewAtom } from "../state/session.ts";

const SECTIONS: readonly { readonly view: View; readonly name: string; readonly icon: string }[] = [
  { view: "markets", name: "Markets", icon: "M4 6h16M4 12h16M4 18h10" },
  { view: "market", name: "Trade", icon: "M4 16l5-6 4 4 7-8" },
  { view: "account", name: "Account", icon: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 8a8 8 0 0 1 16 0" },
  { view: "signals", name: "Signals", icon: "M5 19a14 14 0 0 1 14-14M5 19a7 7 0 0 1 7-7M5 19h.01" },
  { view: "status", name: "Delivery", icon: "M3 12h4l3-8 4 16 3-8h4" },
];

/** On a phone, where there is room for one section at a time. */
export function SectionBar() {
  const [current, show] = useAtom(viewAtom);
  return (
    <nav className="section-bar" aria-label="Sections">
      {SECTIONS.map(({ view, name, icon }) => (
        <button
          key={view}
          type="button"
          aria-current={view === current ? "page" : undefined}
          onClick={() => show(view)}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={icon} />
          </svg>
          {name}
        </button>
      ))}
    </nav>
  );
}
