import type { Message } from "../../../client/index.ts";
import { timeOfDay } from "../format.ts";
import type { Feed } from "../state/liveness.ts";
import { NothingYet } from "./nothing-yet.tsx";
import { ScrollArea } from "./panel.tsx";

interface NotificationsProps {
  readonly notifications: readonly Message<"user:notifications">[];
  readonly feed: Feed;
}

/** A user's notifications, newest first. */
export function Notifications({ notifications, feed }: NotificationsProps) {
  if (notifications.length === 0) return <NothingYet feed={feed}>Nothing yet. A fill brings the first.</NothingYet>;
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
