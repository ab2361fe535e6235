import { type ReactNode, useId } from "react";
import type { View } from "../state/session.ts";

interface PanelProps {
  readonly title: string;
  /** The place in the layout. */
  readonly area: string;
  /** The section of a phone that it belongs to. */
  readonly view: View;
  /** Beside the title. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** One part of the page, with its heading. */
export function Panel({ title, area, view, actions, children }: PanelProps) {
  const id = useId();
  return (
    <section className="panel" data-area={area} data-view={view} aria-labelledby={id}>
      <header className="panel-header">
        <h2 id={id}>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

interface ScrollAreaProps {
  /** What a screen reader calls it. */
  readonly label: string;
  readonly children: ReactNode;
}

/** Scrolls by itself, with the keyboard too. */
export function ScrollArea({ label, children }: ScrollAreaProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls, and one more region would be one too many
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard could not scroll what has no controls
    <div className="scroll" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

/** Said where there is nothing to show, and what to do about it. */
export function EmptyState({ children }: { readonly children: ReactNode }) {
  return <p className="empty">{children}</p>;
}
