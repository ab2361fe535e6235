import type { Depth } from "../../contract/limits.ts";
import { answerPlainly, type Peer, type Request } from "./frame-server.ts";
import type { StateService } from "./state-service.ts";

/** Answers for books with the reply and what follows it, and for everything else as for streams without entries. */
export function answerForBooks(books: readonly StateService[], peer: Peer, request: Request): void {
  const { channel, marketId, lastId, depth } = request.data;
  if (request.event !== "subscribe" || channel !== "market:orderbook") {
    answerPlainly(peer, request);
    return;
  }
  const wanted = books.filter((each) => marketId === undefined || [marketId].flat().includes(each.marketId));
  const lastIdOf = (book: StateService): string | undefined =>
    typeof lastId === "object" && lastId !== null
      ? (lastId as Record<string, string>)[book.marketId]
      : (lastId as string | undefined);
  const ids = Object.fromEntries(wanted.map((each) => [each.marketId, each.view(depth as Depth).at(-1)?.id]));
  const position = typeof marketId === "string" ? { id: ids[marketId] } : { ids };
  const recovered = lastId === undefined ? {} : { recovered: true };
  peer.send("subscribed", { channel, marketId, ...position, ...recovered }, request.id);
  const isPart = typeof lastId === "object" && lastId !== null;
  for (const book of wanted) {
    if (isPart && lastIdOf(book) === undefined) continue;
    for (const event of book.afterReply(lastIdOf(book), depth as Depth)) peer.send("data", event);
  }
}
