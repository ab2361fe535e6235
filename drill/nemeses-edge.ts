import { setTimeout as delay } from "node:timers/promises";
import { named } from "./messages.ts";
import { type Fault, type Outage, timed } from "./outage.ts";
import type { SecondClient } from "./second-judge/index.js";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const SILENT_QUEUE_MS = 4_000;
const SILENT_POSTS_MS = 8_000;
const KILL_TIMEOUT_MS = 120_000;

/** Messages flow for so long after the last kill, in ms: what was cut off must be missed. */
const AFTER_KILL_MS = 4_000;
const PAUSE_MS = 2_600;
const PATIENT_NODE_TIMEOUT_MS = 15_000;

/** SQS takes requests and does not answer them. */
async function silenceQueue({ edge }: World): Promise<Outage> {
  const before = edge.queue.silenced;
  const outage = await timed(async () => {
    edge.queue.silence(() => true);
    await delay(SILENT_QUEUE_MS);
    edge.queue.silence();
  });
  const did = { "requests not answered": edge.queue.silenced - before };
  return { ...outage, did, cleanUp: () => edge.queue.clear() };
}

/** API Gateway does not answer posts to one connection; all others must go on. */
async function silencePosts({ edge }: World): Promise<Outage> {
  const before = edge.posts.silenced;
  const victim = edge.connectionIds()[0];
  if (victim === undefined) throw new Error("the managed edge has no connection");
  const outage = await timed(async () => {
    edge.posts.silence((path) => path.includes(victim));
    await delay(SILENT_POSTS_MS);
    edge.posts.silence();
  });
  return { ...outage, did: { "posts not answered": edge.posts.silenced - before }, cleanUp: () => edge.posts.clear() };
}

/** Makes the clients of the managed edge subscribe again, and calls back right after a `subscribed` has left. */
async function afterAnswers({ edge, second }: World, onAnswered: () => boolean): Promise<void> {
  let isDone = false;
  edge.onPosted = (body) => {
    if (!isDone && body.includes('"event":"subscribed"')) isDone = onAnswered();
  };
  second.edgeLink.cut();
  second.edgeLink.heal();
  try {
    await until("clients of the managed edge subscribed again", KILL_TIMEOUT_MS, () => isDone);
  } finally {
    edge.onPosted = () => undefined;
  }
}

/** Clients with one request each, so that no other request of theirs shows them that something went wrong. */
const lone = (["websocket", "sdk", "websocket", "sdk"] as const).map((kind, index) => ({
  ...{ name: `lone ${kind} ${index}`, kind, edge: "managed" as const },
  requests: [{ channel: "market:trades", marketId: `market-${index + 5}` }],
}));

/** Ends functions right after their `subscribed` has left, before they have made the subscription live. */
async function killFunctions({ edge, second }: World): Promise<Outage> {
  const clients: SecondClient[] = [];
  let kills = 0;
  const outage = await timed(async () => {
    for (const plan of lone) {
      let isKilled = false;
      edge.onPosted = (body) => {
        if (isKilled || !body.includes('"event":"subscribed"') || !body.includes(plan.requests[0]?.marketId ?? ""))
          return;
        isKilled = true;
        kills += 1;
        edge.messages.kill();
      };
      clients.push(await second.add(plan));
      // A busy machine may not get the next function to answer in time: then this one is not killed.
      await until("a function that has answered killed", KILL_TIMEOUT_MS, () => isKilled).catch(() => undefined);
    }
    edge.onPosted = () => undefined;
    await delay(AFTER_KILL_MS);
  });
  const cleanUp = (): void => {
    for (const client of clients) second.remove(client);
  };
  return { ...outage, did: { "functions killed after their answer": kills }, cleanUp };
}

async function pauseAfterAnswer(world: World): Promise<Outage> {
  const { redis } = world;
  const primary = await redis.primaryOf(named({ channel: "market:trades", key: "market-1" }));
  const child = primary.server.process;
  await redis.setNodeTimeout(PATIENT_NODE_TIMEOUT_MS);
  const outage = await timed(async () => {
    try {
      await afterAnswers(world, () => child.kill("SIGSTOP"));
      await delay(PAUSE_MS);
    } finally {
      child.kill("SIGCONT");
    }
  });
  await delay(PAUSE_MS);
  await redis.setNodeTimeout();
  return { ...outage, did: { "pauses after an answer": 1 } };
}

/** Faults of the managed edge alone. */
export const edgeNemeses = {
  "silent-queue": { injectedShare: 0, strike: silenceQueue },
  "silent-post": { injectedShare: 0, strike: silencePosts },
  "edge-function-kill": { injectedShare: 0, strike: killFunctions },
  "edge-answer-pause": { injectedShare: 0, strike: pauseAfterAnswer },
} as const satisfies Record<string, Fault>;
