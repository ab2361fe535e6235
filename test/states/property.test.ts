import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { InProcessGateway } from "../gateway/in-process.ts";
import { Follower } from "./follower.ts";
import { SdkFollower } from "./sdk-follower.ts";
import { bookViews, examples, portfolioViews, type Scenario, type Step, scenario } from "./steps.ts";
import { type System, startSystem } from "./system.ts";
import { BookTruth, PortfolioTruth } from "./truth.ts";

/** More for a night: `PROPERTY_RUNS=5000 npx vitest run test/states`. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 30);

const started = await startSystem();
let runs = 0;

/** One run: two streams, and all that follow them. */
class Run {
  readonly #system: System;
  readonly #book: BookTruth;
  readonly #portfolio: PortfolioTruth;
  readonly #newest = new Map<string, string>();
  followers: readonly Follower[] = [];
  sdkFollowers: readonly SdkFollower[] = [];

  constructor(system: System, name: string) {
    this.#system = system;
    this.#book = new BookTruth(name);
    this.#portfolio = new PortfolioTruth(name);
  }

  async start(places: Scenario["places"]): Promise<void> {
    const { edge, gateways } = this.#system;
    await this.perform({ do: "whole book", yes: { bids: [1, 2, 3], asks: [4, 5, 6] }, no: { bids: [7], asks: [8] } });
    await this.perform({ do: "whole portfolio", sizes: [1, 2, 3] });
    const truths = [...bookViews.map(() => this.#book), ...portfolioViews.map(() => this.#portfolio)];
    this.followers = [...bookViews, ...portfolioViews].map(
      (view, index) => new Follower(truths[index] ?? this.#book, this.#place(places[index] ?? 0), view),
    );
    const [book, portfolio] = [this.#book, this.#portfolio];
    const common = { book, portfolio, token: () => this.#system.sign(portfolio.stream.key) };
    this.sdkFollowers = await Promise.all([
      SdkFollower.start(gateways[0]?.port ?? 0, { ...common, urlOn: (port) => `http://127.0.0.1:${port}` }),
      SdkFollower.start(edge.api.port, { ...common, depth: 5, urlOn: (port) => `ws://127.0.0.1:${port}/local` }),
    ]);
  }

  async perform(step: Step): Promise<void> {
    switch (step.do) {
      case "whole book":
        return this.#publish(this.#book, { data: this.#book.replace(step.yes, step.no) });
      case "changed book":
        return this.#publish(this.#book, { changes: this.#book.change(step.outcome, step.side, step.sizes), ...step });
      case "whole portfolio":
        return this.#publish(this.#portfolio, { data: this.#portfolio.replace(step.sizes) });
      case "changed portfolio":
        return this.#publish(this.#portfolio, { changes: this.#portfolio.change(step.sizes), ...step });
      case "pub/sub":
        return this.#system.faults[step.gateway]?.set(step.fault);
      case "check":
        return this.#system.gateways[step.gateway]?.hub.repairAll();
      case "hold the edge":
        return this.#system.holdEdge();
      case "release the edge":
        return this.#system.releaseEdge();
      case "hint again":
        return this.#system.hintAgain(this.#book.stream);
      case "fail a post":
        return this.#system.failPost();
      case "wait a turn":
        return void (await nextTurn());
      case "wait for Redis":
        return void (await this.#system.edge.commands.ping());
      case "wait for the edge":
        return this.#system.edgeIdle();
      case "wait for the followers":
        return this.settle();
      default:
        return this.#performAtClient(step);
    }
  }

  #performAtClient(step: Extract<Step, { follower: number } | { client: number }>): void {
    if ("client" in step) {
      const client = this.sdkFollowers[step.client];
      if (step.do === "move the SDK") client?.move(this.#portOf(step));
      else if (step.do === "freeze the SDK") client?.stopReading();
      else client?.readOn();
      return;
    }
    const follower = this.followers[step.follower];
    if (step.do === "come back") follower?.comeBack(step.forgets);
    else if (step.do === "move") follower?.move(this.#place(step.place));
    else if (step.do === "stop reading") follower?.stopReading();
    else if (step.do === "read on") follower?.readOn();
    else {
      const views = step.follower < bookViews.length ? bookViews : portfolioViews;
      follower?.changeView(views[step.to % views.length] ?? {});
    }
  }

  async settle(): Promise<void> {
    for (const follower of this.followers) await follower.settle();
  }

  /** Lets everything come to rest. */
  async rest(): Promise<void> {
    await this.#system.rest();
    for (const follower of this.followers) follower.readOn();
    for (const follower of this.sdkFollowers) follower.readOn();
    await this.settle();
  }

  async end(): Promise<void> {
    for (const follower of this.followers) follower.leave();
    await Promise.all(this.sdkFollowers.map((follower) => follower.end()));
  }

  /** The SDK's client of the edge stays there: the two edges have other URLs. */
  #portOf({ client, gateway }: { readonly client: number; readonly gateway: number }): number {
    const { edge, gateways } = this.#system;
    return client === 0 ? (gateways[gateway]?.port ?? 0) : edge.api.port;
  }

  #place(index: number) {
    const place = this.#system.places[index];
    if (!place) throw new Error(`there is no place ${index}`);
    return place;
  }

  async #publish(
    { stream: { channel, key } }: BookTruth | PortfolioTruth,
    { hasBase, data, changes }: { readonly hasBase?: boolean; readonly data?: object; readonly changes?: object },
  ): Promise<void> {
    const base = hasBase ? { base: this.#newest.get(channel) } : {};
    const update = data ? { data } : { changes, ...base };
    this.#newest.set(channel, await this.#system.publish({ channel, key, ...update } as never));
  }
}

async function everyClientHasTheValue({ places, steps }: Scenario): Promise<void> {
  runs += 1;
  const system = started();
  const run = new Run(system, `property-${runs}`);
  try {
    await run.start(places);
    for (const step of steps) await run.perform(step);
    await run.rest();
    const all = [...run.followers, ...run.sdkFollowers];
    await expect
      .poll(() => all.map(({ text }) => text))
      .toEqual(all.map(({ expected }) => expected))
      .catch((cause: unknown) => {
        const behind = run.followers.filter(({ text, expected }) => text !== expected);
        throw new Error(behind.map(({ journal }) => journal).join("\n\n"), { cause });
      });
    expect(run.followers.map(({ receiver: { mismatches } }) => mismatches)).toEqual(run.followers.map(() => 0));
    expect(run.followers.flatMap(({ faults }) => faults)).toEqual([]);
    expect(run.sdkFollowers.map(({ client }) => client.statistics.wrongStates)).toEqual([0, 0]);
  } finally {
    await run.end();
  }
}

it("after any interleaving of publishing, faults, views, slow readers, resumes and edges every client has the value", {
  timeout: 600_000 + RUNS * 10_000,
}, async () => {
  const given = examples.map((example): [Scenario] => [example]);
  await fc.assert(fc.asyncProperty(scenario, everyClientHasTheValue), {
    ...{ numRuns: RUNS, examples: given, endOnFailure: true },
  });
  const count = async (metric: Parameters<InProcessGateway["count"]>[0]): Promise<number> => {
    const counts = await Promise.all(started().gateways.map((gateway) => gateway.count(metric)));
    return counts.reduce((sum, each) => sum + each, 0);
  };
  expect(await count("stateMismatches")).toBe(0);
  expect(await count("gaps")).toBeGreaterThan(0);
  expect(await count("replaced")).toBeGreaterThan(0);
});
