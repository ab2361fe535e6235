import type { ReactNode } from "react";
import type { Feed } from "../state/liveness.ts";
import { EmptyState } from "./panel.tsx";

interface NothingYetProps {
  readonly feed: Feed;
  /** Said where there is nothing indeed: the service has answered, and it holds none. */
  readonly children: ReactNode;
}

/** Says why a list is empty: there is nothing, it is still being loaded, or it is not live and was empty or never loaded. */
export function NothingYet({ feed: { name, liveness }, children }: NothingYetProps) {
  const { kind, text, details } = liveness;
  if (kind === "live") return <EmptyState>{children}</EmptyState>;
  if (kind === "loading") return <EmptyState>{name} are being loaded.</EmptyState>;
  return (
    <EmptyState>
      Nothing to show. {text}
      {details === undefined ? "." : `: ${details}`}
    </EmptyState>
  );
}
