import { useAtom, useSetAtom } from "jotai";
import { memo, useMemo } from "react";
import { useChannel } from "../../../client/react/index.ts";
import type { MarketPrice } from "../../../contract/payloads/market.ts";
import { cents, short } from "../format.ts";
import { useFeed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import { selectedMarketAtom, viewAtom } from "../state/session.ts";
import { useFlash } from "../state/use-flash.ts";
import { Panel } from "./panel.tsx";

interface MarketRowProps {
  readonly id: string;
  readonly title: string;
  readonly price: MarketPrice | undefined;
  readonly isSelected: boolean;
  readonly onSelect: (id: string) => void;
}

const MarketRow = memo(function MarketRow({ id, title, price, isSelected, onSelect }: MarketRowProps) {
  const flash = useFlash(price?.yes);
  return (
    <li>
      <button type="button" className="market-row" aria-current={isSelected} onClick={() => onSelect(id)}>
        <span className="market-title">{title}</span>
        <span className="market-volume">{price?.volume24h ? `$${short(Number(price.volume24h))}` : "–"}</span>
        <span className="price flash yes" ref={flash}>
          <span className="visually-hidden">Yes </span>
          {price ? cents(price.yes) : "–"}
        </span>
        <span className="price no">
          <span className="visually-hidden">No </span>
          {price ? cents(price.no) : "–"}
        </span>
      </button>
    </li>
  );
});

/** Every market with its moving prices; choosing one shows it. */
export function MarketList() {
  const { config } = usePage();
  const prices = useChannel("market:prices", { keep: 0 });
  const { byMarket } = prices;
  const feed = useFeed("Prices", prices);
  const [selected, select] = useAtom(selectedMarketAtom);
  const show = useSetAtom(viewAtom);
  const markets = useMemo(() => {
    const listed = new Set(config.markets.map(({ id }) => id));
    const others = [...byMarket.keys()].filter((id) => !listed.has(id));
    return [...config.markets, ...others.map((id) => ({ id, title: id }))];
  }, [config.markets, byMarket]);
  const onSelect = useMemo(
    () => (id: string) => {
      select(id);
      show("market");
    },
    [select, show],
  );

  return (
    <Panel
      title="Markets"
      area="markets"
      view="markets"
      actions={<span className="hint">{markets.length}</span>}
      feeds={[feed]}
    >
      <div className="market-columns" aria-hidden="true">
        <span>24 h volume</span>
        <span>Yes</span>
        <span>No</span>
      </div>
      <ul className="market-list">
        {markets.map(({ id, title }) => (
          <MarketRow
            key={id}
            id={id}
            title={title}
            price={byMarket.get(id)?.data}
            isSelected={id === selected}
            onSelect={onSelect}
          />
        ))}
      </ul>
    </Panel>
  );
}
