import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { compareIds, ENTRY_ID } from "../../contract/ids.ts";
import { PublishError, type Publisher, type PublishOutcome } from "../../publisher/index.ts";
import { message } from "../support/messages.ts";

/** The subject of the suite: a publisher whose versions may be a minute ahead, and one that is closed afterwards. */
export interface SuiteSubject {
  readonly publisher: Publisher;
  openAnother(): Publisher;
  stop(): Promise<void>;
}

interface Changes {
  readonly [field: string]: unknown;
}

/** A message with changes that its type need not allow. */
export const changed = (channel: Channel, key: string | undefined, changes: Changes): ChannelMessage =>
  ({ ...message(channel, key, 1), ...changes }) as unknown as ChannelMessage;

const statuses = (outcomes: readonly PublishOutcome[]): string[] => outcomes.map(({ status }) => status);

/** The behaviour that a team's code sees, of the real publisher and of the fake alike. */
export function describePublisher(name: string, start: () => Promise<SuiteSubject>): void {
  describe(`publishing through ${name}`, () => {
    let subject: SuiteSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.stop());

    const publish = (...messages: ChannelMessage[]) => subject.publisher.publish(messages);

    async function errorOf(...messages: ChannelMessage[]): Promise<PublishError> {
      const error: unknown = await publish(...messages).catch((reason: unknown) => reason);
      if (error instanceof PublishError) return error;
      throw new Error("it did not fail with a PublishError", { cause: error });
    }

    it("accepts one message or several, and answers each with an increasing id", async () => {
      const [first] = await subject.publisher.publish(message("market:trades", "ids", 1));
      const more = await publish(message("market:trades", "ids", 2), message("market:trades", "ids", 3));
      const ids = [first, ...more].map((outcome) => (outcome?.status === "published" ? outcome.id : ""));
      expect(ids.every((id) => ENTRY_ID.test(id))).toBe(true);
      expect(ids.toSorted(compareIds)).toEqual(ids);
      expect(new Set(ids).size).toBe(3);
    });

    it("resolves with nothing for an empty list", async () => {
      expect(await publish()).toEqual([]);
    });

    it.each(["market:prices", "market:trades", "monitor:signals", "user:orders", "user:portfolio"] as const)(
      "answers duplicate to an event that was published already, on %s",
      async (channel) => {
        const key = channel === "monitor:signals" ? undefined : "twice";
        const event = { ...message(channel, key, 1), eventId: `twice-${channel}` };
        expect(statuses(await publish(event, event))).toEqual(["published", "duplicate"]);
        expect(statuses(await publish(event))).toEqual(["duplicate"]);
      },
    );

    it.each(["market:prices", "market:orderbook", "user:portfolio"] as const)(
      "answers stale to an older state, with both versions, on %s",
      async (channel) => {
        const [newer, older] = [message(channel, "older", 2), message(channel, "older", 1)];
        expect(statuses(await publish(newer))).toEqual(["published"]);
        const [first] = await publish(older);
        const [second] = await publish({ ...older, eventId: "another" });
        expect(first).toMatchObject({ status: "stale", version: older.data.time, heldVersion: newer.data.time });
        if (first?.status !== "stale" || second?.status !== "stale") throw new Error("it was not stale");
        expect(second.staleSince).toBe(first.staleSince);
        expect(first.staleForMs).toBe(0);
        expect(statuses(await publish(message(channel, "older", 3)))).toEqual(["published"]);
      },
    );

    it("publishes every event of one version once", async () => {
      const price = message("market:prices", "same", 1);
      const [one, other] = [price, { ...price, eventId: "other" }];
      expect(statuses(await publish(one, other, one, other))).toEqual([
        "published",
        "published",
        "duplicate",
        "duplicate",
      ]);
    });

    it("compares the states of one order, not of all orders of a user", async () => {
      const order = (id: string, number: number) => {
        const { data, ...rest } = message("user:orders", "several", number);
        return { ...rest, data: { ...data, id } } as ChannelMessage;
      };
      const outcomes = await publish(order("a", 2), order("b", 1), order("a", 1), order("b", 1));
      expect(statuses(outcomes)).toEqual(["published", "published", "stale", "published"]);
    });

    it("accepts numbers of an epoch, and none of an epoch that was replaced", async () => {
      const price = (versionEpoch: string, version: number) =>
        changed("market:prices", "epochs", { version, versionEpoch, eventId: `${versionEpoch}${version}` });
      const outcomes = await publish(price("run 1", 7), price("run 1", 6), price("run 2", 1), price("run 1", 8));
      expect(statuses(outcomes)).toEqual(["published", "stale", "published", "stale"]);
      expect(outcomes[3]).toMatchObject({ version: 8, heldVersion: 1, heldEpoch: "run 2" });
      const { cause } = await errorOf(message("market:prices", "epochs", 1));
      expect(cause).toMatchObject({
        name: "InvalidMessageError",
        message: expect.stringContaining('the epoch "run 2"'),
      });
    });

    it("remembers the seven epochs that were replaced last", async () => {
      const price = (run: number, version = 1) =>
        changed("market:prices", "remembered", { version, versionEpoch: `run ${run}`, eventId: `${run} ${version}` });
      for (let run = 1; run <= 9; run += 1) expect(statuses(await publish(price(run)))).toEqual(["published"]);
      expect(statuses(await publish(price(2, 2), price(1, 2)))).toEqual(["stale", "published"]);
    });

    it.each<[string, Changes, RegExp]>([
      ["an unknown channel", { channel: "market:nothing" }, /^channel: there is no channel of that name$/],
      ["no key", { key: undefined }, /^key: channel market:prices needs a marketId$/],
      ["another key than the payload's", { key: "other" }, /^key: is "other", but data\.marketId is "refused"$/],
      ["no event id", { eventId: "" }, /^eventId: /],
      ["no payload", { data: null }, /^data: /],
      [
        "a payload that is not the channel's",
        { data: { marketId: "refused", yes: 0.5 } },
        /^market:prices: data\.yes: /,
      ],
      ["a name of the change that is too long", { event: "e".repeat(65) }, /^event: /],
      ["an epoch without a version", { versionEpoch: "a" }, /^versionEpoch: needs a version/],
      [
        "a version in seconds",
        { version: 1_700_000_000 },
        /version 1700000000 is before 2001-09-09 and looks like seconds/,
      ],
      ["a version that is a counter", { version: 5 }, /version 5 looks like a counter: .*versionEpoch/],
    ])("refuses %s, naming the field", async (_name, changes, text) => {
      const { cause, outcomes } = await errorOf(changed("market:prices", "refused", changes));
      expect(cause).toMatchObject({ name: "InvalidMessageError", message: expect.stringMatching(text) });
      expect(outcomes).toEqual([{ status: "failed", error: cause }]);
    });

    it("refuses a time that is more than a minute ahead", async () => {
      const version = Date.now() + 3_600_000;
      const { cause } = await errorOf(changed("market:prices", "ahead", { version }));
      expect(cause).toMatchObject({ name: "VersionAheadError", message: expect.stringContaining("ahead of Redis") });
    });

    it("refuses a message of more than 120,000 bytes", async () => {
      const level = { price: "0.123456789012345678", size: "1".repeat(20) };
      const side = { bids: Array(200).fill({ ...level, size: `${level.size}.${"1".repeat(18)}` }), asks: [] };
      const data = { marketId: "large", yes: side, no: side, time: Date.now() };
      expect(statuses(await publish(changed("market:orderbook", "large", { data })))).toEqual(["published"]);
      const positions = Array.from({ length: 500 }, (_, index) => ({
        ...{ marketId: `${index}${"m".repeat(120)}`, exchange: "e".repeat(128), outcome: "yes", size: "1" },
        ...{ averagePrice: "0.5", currentPrice: "0.5", value: "1", profit: "0" },
      }));
      const portfolio = { currency: "USD", value: "1", cash: "0", profit: "0", positions, time: Date.now() };
      const { cause } = await errorOf(changed("user:portfolio", "large", { data: portfolio }));
      expect(cause).toMatchObject({
        name: "InvalidMessageError",
        message: expect.stringMatching(/^data: has \d+ bytes as JSON, and a message at most 120000: /),
      });
    });

    it("publishes the rest of a batch if one message is refused", async () => {
      const { outcomes, message: text } = await errorOf(
        message("market:trades", "batch", 1),
        changed("market:trades", "batch", { data: {} }),
        message("user:orders", "batch", 1),
      );
      expect(statuses(outcomes)).toEqual(["published", "failed", "published"]);
      expect(text).toMatch(/^1 of 3 messages not published: market:trades: data\./);
    });

    it("needs no `this`, so that publish can be passed on", async () => {
      const { publish: alone } = subject.publisher;
      expect(statuses(await alone(message("market:trades", "alone", 1)))).toEqual(["published"]);
    });

    it("can be prepared ahead of the first message, more than once", async () => {
      const another = subject.openAnother();
      await another.prepare();
      await another.prepare();
      expect(statuses(await another.publish(message("market:trades", "prepared", 1)))).toEqual(["published"]);
      await another.close();
    });

    it("accepts nothing once it is closed, and may be closed twice", async () => {
      const another = subject.openAnother();
      await another.publish(message("market:trades", "closed", 1));
      await Promise.all([another.close(), another.close()]);
      await another.close();
      await expect(another.publish(message("market:trades", "closed", 2))).rejects.toThrow(/publisher is closed/);
      await expect(another.prepare()).rejects.toMatchObject({ name: "PublisherClosedError" });
    });
  });
}
