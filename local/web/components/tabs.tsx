import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import type { Liveness } from "../state/liveness.ts";

interface Tab {
  readonly id: string;
  readonly label: string;
  /** Count beside the title; 0 is not shown. */
  readonly count?: number;
  readonly liveness: Liveness["kind"];
  readonly content: ReactNode;
}

interface TabsProps {
  readonly label: string;
  readonly tabs: readonly [Tab, ...Tab[]];
}

/** Steps that each key moves among `count` tabs. */
function step(key: string, index: number, total: number): number | undefined {
  if (key === "ArrowRight") return (index + 1) % total;
  if (key === "ArrowLeft") return (index + total - 1) % total;
  if (key === "Home") return 0;
  return key === "End" ? total - 1 : undefined;
}

/** Several contents in one place; arrow keys, Home and End move among them. */
export function Tabs({ label, tabs }: TabsProps) {
  const prefix = useId();
  const [selectedId, select] = useState(tabs[0].id);
  const selected = tabs.find(({ id }) => id === selectedId) ?? tabs[0];

  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const next = tabs[step(event.key, tabs.indexOf(selected), tabs.length) ?? -1];
    if (!next) return;
    event.preventDefault();
    select(next.id);
    document.getElementById(`${prefix}-tab-${next.id}`)?.focus();
  };

  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(({ id, label: text, count, liveness }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`${prefix}-tab-${id}`}
            data-liveness={liveness}
            aria-selected={id === selected.id}
            aria-controls={`${prefix}-panel`}
            tabIndex={id === selected.id ? 0 : -1}
            onClick={() => select(id)}
          >
            {text}
            {count ? <span className="badge">{count}</span> : null}
          </button>
        ))}
      </div>
      <div
        className="tab-panel"
        role="tabpanel"
        id={`${prefix}-panel`}
        data-liveness={selected.liveness}
        aria-labelledby={`${prefix}-tab-${selected.id}`}
      >
        {selected.content}
      </div>
    </>
  );
}
