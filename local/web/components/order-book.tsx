import { useAtom } from "jotai";
import { useState, useSyncExternalStore } from "react";
import type { Depth } from "../../../client/index.ts";
import { useRealtimeClient } from "../../../client/react/index.ts";
import { count } from "../format.ts";
import { usePage } from "../state/page-context.ts";
import { bookDepthAtom } from "../state/session.ts";
import { useBookFeed, useBookLevels } from "../state/use-book.ts";
import { BookTable } from "./book-table.tsx";
import { Choice } from "./choice.tsx";
import { DepthChart } from "./depth-chart.tsx";
import { Panel } from "./panel.tsx";

const OUTCOMES = [
  { value: "yes", label: "Yes" },
  { value: "no", label: "No" },
] as const;

const DEPTHS = [
  { value: "10", label: "10" },
  { value: "20", label: "20" },
  { value: "50", label: "50" },
  { value: "all", label: "All" },
] as const;

type Outcome = (typeof OUTCOMES)[number]["value"];
type DepthName = (typeof DEPTHS)[number]["value"];

const toDepth = { "10": 10, "20": 20, "50": 50, all: undefined } as const satisfies Record<
  DepthName,
  Depth | undefined
>;
const nameOf = (depth: Depth | undefined): DepthName =>
  DEPTHS.find(({ value }) => toDepth[value] === depth)?.value ?? "all";

/** Chooses how many levels a side the page asks the service for. */
function DepthChoice() {
  const [depth, setDepth] = useAtom(bookDepthAtom);
  return (
    <div className="depth-choice">
      <span aria-hidden="true">Levels</span>
      <Choice
        label="Levels a side"
        options={DEPTHS}
        value={nameOf(depth)}
        onChange={(name) => setDepth(toDepth[name])}
      />
    </div>
  );
}

/** Says how often the client has proven what it shows. Counted once a second, so that it can be read. */
function BookCheck() {
  const { monitor } = usePage();
  const client = useRealtimeClient();
  const verified = useSyncExternalStore(monitor.subscribe, () => client?.statistics.verifiedStates ?? 0);
  if (verified === 0) return null;
  return (
    <span
      className="verified"
      title={`Books and portfolios of this connection that have the publisher's checksum of all rows. Wrong, not shown, and loaded anew: ${count(client?.statistics.wrongStates ?? 0)}`}
    >
      Book verified, <span data-testid="verified">{count(verified)}</span> {verified === 1 ? "check" : "checks"}
    </span>
  );
}

interface LevelsProps {
  readonly marketId: string;
  readonly outcome: Outcome;
}

function Levels({ marketId, outcome }: LevelsProps) {
  const book = useBookLevels(marketId, outcome);
  return (
    <>
      <div className="book-area">
        <BookTable book={book} outcome={outcome} />
      </div>
      <DepthChoice />
      <DepthChart book={book} outcome={outcome} />
    </>
  );
}

/** The depth of one market: the best levels as a table, all that are asked for as a chart. */
export function OrderBook({ marketId }: { readonly marketId: string }) {
  const [outcome, choose] = useState<Outcome>("yes");
  return (
    <Panel
      title="Order book"
      area="book"
      view="market"
      actions={<Choice label="Outcome" options={OUTCOMES} value={outcome} onChange={choose} />}
      feeds={[useBookFeed("Order book", marketId)]}
      note={<BookCheck />}
    >
      <Levels marketId={marketId} outcome={outcome} />
    </Panel>
  );
}
