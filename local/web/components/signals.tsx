import { useChannel } from "../../../client/react/index.ts";
import { FIRST_ID } from "../../../contract/ids.ts";
import type { MonitorSignal } from "../../../contract/payloads/signals.ts";
import { cents, short, timeOfDay } from "../format.ts";
import { useFeed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import { GapNotice } from "./gap-notice.tsx";
import { NothingYet } from "./nothing-yet.tsx";
import { Panel, ScrollArea } from "./panel.tsx";

function headlineOf(signal: MonitorSignal): string {
  if (signal.kind === "news") return signal.headline;
  const { side, outcome, value, price } = signal;
  return `${side === "buy" ? "Bought" : "Sold"} $${short(Number(value))} of ${outcome === "yes" ? "Yes" : "No"} at ${cents(price)}`;
}

const toneOf = (signal: MonitorSignal): string =>
  signal.kind === "news" ? signal.sentiment : signal.side === "buy" ? "positive" : "negative";

/** News and whales, newest first. */
export function Signals() {
  const { titleOf } = usePage();
  const signals = useChannel("monitor:signals", { keep: 60, lastId: FIRST_ID });
  const feed = useFeed("Signals", signals);
  return (
    <Panel title="Signals" area="signals" view="signals" feeds={[feed]}>
      {signals.messages.length === 0 ? (
        <NothingYet feed={feed}>No signal yet. News and large trades appear here.</NothingYet>
      ) : (
        <ScrollArea label="Signals">
          <ul className="feed">
            {signals.messages.toReversed().map(({ id, data }) => (
              <li key={id} data-tone={toneOf(data)}>
                <p className="headline">
                  <span className="kind">{data.kind === "news" ? "News" : "Whale"}</span>
                  {headlineOf(data)}
                </p>
                <p className="details">
                  <span>
                    {data.marketIds.map(titleOf).join(", ")}
                    {" · "}
                    {data.kind === "news" ? data.source : data.account}
                  </span>{" "}
                  <time dateTime={new Date(data.time).toISOString()}>{timeOfDay(data.time)}</time>
                </p>
              </li>
            ))}
          </ul>
        </ScrollArea>
      )}
      <GapNotice lists={{ signals }} />
    </Panel>
  );
}
