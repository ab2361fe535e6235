import type { ChannelState } from "../../../client/react/index.ts";
import { timeOf } from "../../../contract/ids.ts";
import { timeOfDay } from "../format.ts";

interface GapNoticeProps {
  /** Lists that may lack something, by what they are called within a sentence. */
  readonly lists: Readonly<Record<string, Pick<ChannelState, "gaps" | "acknowledgeGaps">>>;
}

/** Says that messages are lost for good, and after when. Lies over the end of the list, so that nothing moves. */
export function GapNotice({ lists }: GapNoticeProps) {
  const lossy = Object.entries(lists).filter(([, { gaps }]) => gaps.length > 0);
  if (lossy.length === 0) return null;
  const names = lossy.map(([name]) => name).join(" and ");
  const after = Math.min(...lossy.flatMap(([, { gaps }]) => gaps.map((gap) => timeOf(gap.after))));
  const acknowledge = (): void => {
    for (const [, list] of lossy) list.acknowledgeGaps();
  };
  return (
    <div className="gap-notice" role="status">
      <p>
        Some {names} after {timeOfDay(after)} are no longer held by the service. Reload to see what it has.
      </p>
      <button type="button" className="button small" onClick={() => location.reload()}>
        Reload
      </button>
      <button type="button" className="button small" onClick={acknowledge}>
        Dismiss
      </button>
    </div>
  );
}
