import { RealtimeClient } from "@vezta/realtime-client";
import { Journal } from "./journal.js";
import { canSucceedLater, channels, streamNameOf } from "./protocol.js";

/** Everything that takes long in production is short here, so that a drill sees it. */
const OPTIONS = {
  backoff: { minimumMs: 100, maximumMs: 1_000 },
  staleAfterMs: 8_000,
  connectTimeoutMs: 4_000,
  pingIntervalMs: 1_500,
};

/** Time that a subscription may say `live` without what was published, in ms: silence, a probe, and a slow machine. */
export const LIVE_BOUND_MS = 20_000;

const WATCH_MS = 250;

/** The platform's own client, judged by what an application is given: messages, gaps, statuses. */
export class SdkClient {
  kind = "sdk";
  journal = new Journal();
  requests = 0;
  /** @type {{ channel: string, marketId: string | undefined, handle: any, liveSince: number, firstLiveAt: number }[]} */
  subscriptions = [];
  /** The newest number by stream, over all rounds. @type {Map<string, number>} */
  #newest = new Map();

  /** @param {import("./index.d.ts").Plan} plan */
  constructor(plan) {
    this.plan = plan;
    this.name = plan.name;
    this.user = plan.user;
    const token = plan.token;
    this.client = new RealtimeClient({ ...OPTIONS, url: plan.url, token: token === undefined ? null : () => token });
    for (const { channel, marketId } of plan.requests) {
      for (const market of marketId === undefined ? [undefined] : [marketId].flat()) this.mount(channel, market);
    }
    this.timer = setInterval(() => this.#watch(), WATCH_MS);
  }

  /** Subscribes, as a component that is mounted. @param {string} channel @param {string | undefined} marketId */
  mount(channel, marketId) {
    const key = marketId ?? (channel.startsWith("user:") ? this.user : undefined);
    for (const name of this.plan.streamsOf(channel, marketId)) this.journal.began(name);
    const subscription = { channel, marketId, handle: undefined, liveSince: Number.POSITIVE_INFINITY, firstLiveAt: 0 };
    subscription.handle = this.client.subscribe(channel, {
      ...(marketId === undefined ? {} : { marketId }),
      onMessage: (message) => this.#onMessage(subscription, message),
      onGap: (gap) => this.journal.told(streamNameOf(gap.channel, gap.marketId ?? key), gap.after),
      onStatus: (status) => {
        subscription.liveSince = status === "live" ? Date.now() : Number.POSITIVE_INFINITY;
        if (status === "live" && subscription.firstLiveAt === 0) this.#onFirstLive(subscription);
      },
      onError: ({ code }) => {
        if (!canSucceedLater(code)) this.journal.refused({ channel, marketId }, code);
      },
    });
    this.subscriptions.push(subscription);
    return subscription;
  }

  /** Closes subscriptions, as components that leave. @param {(each: { channel: string, marketId?: string }) => boolean} isLeaving */
  unmount(isLeaving) {
    for (const each of this.subscriptions.filter(isLeaving)) each.handle.close();
    this.subscriptions = this.subscriptions.filter((each) => !isLeaving(each));
  }

  get isConnected() {
    return this.client.status === "connected";
  }

  get isSettled() {
    return this.isConnected && this.subscriptions.every(({ handle }) => handle.status === "live");
  }

  /** @param {string} stream @param {string} id */
  isAt(stream, id) {
    const events = this.journal.of(stream).filter(({ type }) => type !== "falselyLive");
    if (events.findLast(({ type }) => type === "applied")?.id === id) return true;
    // What came before a new subscription is not given to it, but on `latest` channels, where a value always is.
    const last = events.at(-1)?.type;
    const { isLatest } = channels[stream.split(" ")[0] ?? ""];
    return last === "told" || (last === "began" && !isLatest);
  }

  describe() {
    return this.subscriptions
      .map(({ channel, marketId, handle }) => `${channel} ${marketId ?? ""} ${handle.status}`)
      .join(", ");
  }

  stop() {
    clearInterval(this.timer);
    this.client.close();
  }

  /** Starts the subscription's record: messages from before do not concern it; all later ones do. */
  #onFirstLive(subscription) {
    subscription.firstLiveAt = Date.now();
    for (const name of this.plan.streamsOf(subscription.channel, subscription.marketId)) this.journal.began(name);
  }

  #onMessage(subscription, message) {
    const { channel, marketId } = message;
    const asked = subscription.marketId;
    const key = marketId ?? (channel.startsWith("user:") ? this.user : undefined);
    const name = streamNameOf(channel, key);
    if (asked !== undefined && asked !== marketId) this.journal.foreign(name, `given to a subscription of ${asked}`);
    this.journal.applied(name, message);
    const number = Number(message.event?.slice(1).split("@")[0]);
    this.#newest.set(name, Math.max(this.#newest.get(name) ?? 0, number));
  }

  /** `live` must be true: what was acknowledged a while ago must be here. */
  #watch() {
    const now = Date.now();
    for (const subscription of this.subscriptions) {
      if (subscription.handle.status !== "live" || !(now - subscription.liveSince > LIVE_BOUND_MS)) continue;
      for (const name of this.plan.streamsOf(subscription.channel, subscription.marketId)) {
        const due = this.plan.newestBefore(name, now - LIVE_BOUND_MS);
        if (due.offeredAt < subscription.firstLiveAt || due.number <= (this.#newest.get(name) ?? 0)) continue;
        this.journal.falselyLive(name, due.number);
      }
    }
  }
}
