import type { Message } from "../../../client/index.ts";
import { timeOfDay } from "../format.ts";
import { EmptyState, ScrollArea } from "./panel.tsx";

/** What a user was told, newest first. */
export function Notifications({ notifications }: { readonly notifications: readonly Message<"user:notifications">[] }) {
  if (notifications.length === 0) return <EmptyState>Nothing yet. A fill brings the first.</EmptyState>;
  return (
    <ScrollArea label="Notifications">
      <ul className="feed">
        {notifications.toReversed().map(({ id, data: { severity, title, body, time } }) => (
          <li key={id} data-severity={severity}>
            <p className="headline">{title}</p>
            <p className="details">
              <span>{body}</span> <time dateTime={new Date(time).toISOString()}>{timeOfDay(time)}</time>
            </p>
          </li>
        ))}
      </ul>
    </ScrollArea>
  );
}
