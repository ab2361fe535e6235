import { useAtomValue } from "jotai";
import { useState, useSyncExternalStore } from "react";
import { useRealtimeClient } from "../../../client/react/index.ts";
import { cutConnections, DevelopmentApiError } from "../development-api.ts";
import { count, duration, label } from "../format.ts";
import { usePage } from "../state/page-context.ts";
import { edgeAtom } from "../state/session.ts";
import type { ChannelReading, Reading } from "../state/stream-monitor.ts";
import { useOfflineSince } from "../state/use-offline.ts";
import { Gateways } from "./gateways.tsx";
import { Panel, ScrollArea } from "./panel.tsx";
import { Sparkline } from "./sparkline.tsx";
import { TableHead } from "./table-head.tsx";

const COLUMNS = [
  { label: "Channel" },
  { label: "Status" },
  { label: "Messages", kind: "number" },
  { label: "Last", kind: "number" },
] as const;

/** Time for which "cut the connection" refuses new connections, in ms. */
const CUT_MS = 3_000;

function latencyText(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 10_000 ? `${Math.round(value)} ms` : duration(value);
}

function Figures({ rates, latency, holes, doubles, gaps }: Reading) {
  return (
    <dl className="figures">
      <div className="rate">
        <dt>Messages a second</dt>
        <dd>
          <span data-testid="rate">{count(rates.at(-1) ?? 0)}</span>
          <Sparkline values={rates} />
        </dd>
      </div>
      <div title="From the entry in the stream to the painted frame; median and 99th percentile of the last 500 within a minute">
        <dt>Publish to screen</dt>
        <dd data-testid="latency">
          {latencyText(latency?.p50)} <small>p99 {latencyText(latency?.p99)}</small>
        </dd>
      </div>
      <div title="Losses that the service declared: messages that it no longer holds">
        <dt>Gaps</dt>
        <dd data-testid="gaps" className={gaps > 0 ? "warning" : undefined}>
          {count(gaps)}
        </dd>
      </div>
      <div title="Messages missing in a stream, by the id of the one before, and nobody has said so">
        <dt>Holes</dt>
        <dd data-testid="holes" className={holes > 0 ? "loss" : undefined}>
          {count(holes)}
        </dd>
      </div>
      <div title="Messages that came again, or after a newer one">
        <dt>Doubles</dt>
        <dd data-testid="doubles" className={doubles > 0 ? "loss" : undefined}>
          {count(doubles)}
        </dd>
      </div>
    </dl>
  );
}

interface ChannelRowProps extends ChannelReading {
  readonly isOffline: boolean;
}

function ChannelRow({ channel, status: reported, received, lastAt, isOffline }: ChannelRowProps) {
  const status = isOffline && reported !== "off" ? "offline" : reported;
  return (
    <tr data-channel={channel}>
      <th scope="row">{channel}</th>
      <td>
        <span className="status" data-status={status}>
          {label(status)}
        </span>
      </td>
      <td className="number">{count(received)}</td>
      <td className="number">{lastAt === 0 ? "–" : duration(Date.now() - lastAt)}</td>
    </tr>
  );
}

/** Shows delivery and gateways, with buttons to break them. */
export function StatusPanel() {
  const { monitor } = usePage();
  const reading = useSyncExternalStore(monitor.subscribe, monitor.getReading);
  const isOffline = useOfflineSince() !== undefined;
  const client = useRealtimeClient();
  const edge = useAtomValue(edgeAtom);
  const [problem, setProblem] = useState<string>();

  const cut = async (): Promise<void> => {
    if (edge === "gateway") return cutConnections(CUT_MS);
    // Between the page and the managed edge there is no balancer that could cut: the client closes its own connection.
    client?.pause();
    setTimeout(() => client?.resume(), CUT_MS);
  };

  const act = (action: Promise<void>): void => {
    setProblem(undefined);
    action.catch((error: unknown) => {
      setProblem(error instanceof DevelopmentApiError ? error.message : String(error));
    });
  };

  return (
    <Panel
      title="Delivery"
      area="status"
      view="status"
      actions={
        <button type="button" className="button small" onClick={() => act(cut())}>
          Cut the connection
        </button>
      }
    >
      <Figures {...reading} />
      <ScrollArea label="Channels">
        <table className="rows fixed channels">
          <TableHead columns={COLUMNS} />
          <tbody>
            {reading.channels.map((channel) => (
              <ChannelRow key={channel.channel} {...channel} isOffline={isOffline} />
            ))}
          </tbody>
        </table>
      </ScrollArea>
      <Gateways act={act} />
      {problem === undefined ? null : (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </Panel>
  );
}
