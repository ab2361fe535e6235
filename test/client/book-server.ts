import type { RealtimeClient } from "@vezta/realtime-client";
import { afterEach, expect } from "vitest";
import type { Depth } from "../../contract/limits.ts";
import { answerPlainly, type FrameServer, type Peer, type Request, startFrameServer } from "./frame-server.ts";
import { setUpClients, untilLive } from "./set-up.ts";
import type { StateService } from "./state-service.ts";
import { type Seen, watch } from "./watch.ts";

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

export const newestOf = (seen: Seen<"market:orderbook">) => seen.messages.at(-1)?.data;

/** Watches the book of the market `m1` until it is live. */
export async function follow(client: RealtimeClient, options: { depth?: Depth; maxRate?: number } = {}) {
  const seen = watch(client, "market:orderbook", { marketId: "m1", ...options });
  await untilLive(seen);
  await expect.poll(() => seen.messages.length).toBe(1);
  return seen;
}

/** Lets each test of the block that calls this start a service with order books, and clients of it. */
export function setUpBooks() {
  const create = setUpClients();
  let server: FrameServer | undefined;
  afterEach(() => server?.stop());
  const newestPeer = (): Peer => server?.peers.at(-1) as Peer;
  return {
    create,
    newestPeer,
    /** Starts a service that answers as given, by default for these books. */
    async setUp(books: readonly StateService[], answer = answerForBooks) {
      server = await startFrameServer((peer, request) => answer(books, peer, request));
      return { server, client: create({ url: server.url }), book: books[0] as StateService };
    },
    subscribes: (): Request["data"][] => server?.requestsOf("subscribe").map(({ data }) => data) ?? [],
    send: (event: object): void => newestPeer().send("data", event),
  };
}
