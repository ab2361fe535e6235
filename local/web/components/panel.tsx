import { type ReactNode, useId } from "react";
import { type Feed, worstFeed } from "../state/liveness.ts";
import type { View } from "../state/session.ts";
import { FreshnessLine } from "./freshness-line.tsx";

interface PanelProps {
  readonly title: string;
  /** The place in the layout. */
  readonly area: string;
  /** The section of a phone that it belongs to. */
  readonly view: View;
  /** Beside the title. */
  readonly actions?: ReactNode;
  /** Feeds shown in it; without any, the panel has no line about being live. */
  readonly feeds?: readonly [Feed, ...Feed[]];
  /** Beside the line that says that it is live, and only while it is. */
  readonly note?: ReactNode;
  /** Leaves dimming to the parts. @default false: the panel is dimmed as a whole, by the worst of `feeds` */
  readonly isDimmedInParts?: boolean;
  readonly children: ReactNode;
}

/** One part of the page, with its heading. What is not live in it is dimmed, and the line below the heading says why. */
export function Panel({ title, area, view, actions, feeds, note, isDimmedInParts = false, children }: PanelProps) {
  const id = useId();
  const className = isDimmedInParts ? "panel in-parts" : "panel";
  const liveness = feeds ? worstFeed(feeds).liveness.kind : undefined;
  return (
    <section className={className} data-area={area} data-view={view} data-liveness={liveness} aria-labelledby={id}>
      <header className="panel-header">
        <h2 id={id}>{title}</h2>
        {actions}
        {feeds ? <FreshnessLine feeds={feeds} note={note} /> : null}
      </header>
      {children}
    </section>
  );
}

interface ScrollAreaProps {
  /** Name for a screen reader. */
  readonly label: string;
  readonly children: ReactNode;
}

/** Scrolls on its own, with the keyboard too. */
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
