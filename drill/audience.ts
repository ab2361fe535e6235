import { isStateChannel } from "../contract/state/state-formats.ts";
import type { Issuer } from "../local/issuer.ts";
import { DrillClient } from "./drill-client.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";
import { type DrillStream, marketChannels, markets, named, userChannels, users } from "./messages.ts";
import type { Request } from "./subscription.ts";

/** One client and the streams that it has asked for. */
export interface Member {
  readonly client: DrillClient;
  readonly streams: readonly DrillStream[];
}

/** The clients of a drill. Every second one is connected through a link that can be cut. */
export interface Audience {
  readonly members: readonly Member[];
  readonly link: LinkProxy;
  close(): Promise<void>;
}

interface Plan {
  readonly name: string;
  readonly user?: string;
  readonly requests: readonly Request[];
}

const DASHBOARDS = 3;
const DEVICES = 2;
const TOKEN_SECONDS = 43_200;

/** Asks for what changed where the channel has that. The other clients get whole values, as those of the first version. */
const byChanges = (request: Request): Request =>
  isStateChannel(request.channel) ? { ...request, changes: true } : request;

/** Whole channels; lists of markets; single markets; and two devices of every user. */
function plans(): Plan[] {
  const dashboards = Array.from({ length: DASHBOARDS }, (_, index) => ({
    name: `dashboard ${index + 1}`,
    requests: [...marketChannels, "monitor:signals" as const].map((channel) => ({ channel })),
  }));
  const lists = [markets.slice(0, 10), markets.slice(5, 20)].map((marketId, index) => ({
    name: `watch list ${index + 1}`,
    requests: marketChannels.map((channel) => ({ channel, marketId })),
  }));
  const pages = markets.slice(0, 4).map((marketId) => ({
    name: `page of ${marketId}`,
    requests: marketChannels.map((channel) => byChanges({ channel, marketId })),
  }));
  const devices = users.flatMap((user) =>
    Array.from({ length: DEVICES }, (_, index) => ({
      name: `${user}, device ${index + 1}`,
      user,
      requests: [...userChannels, "monitor:signals" as const].map((channel) =>
        index === 0 ? byChanges({ channel }) : { channel },
      ),
    })),
  );
  return [...dashboards, ...lists, ...pages, ...devices];
}

function streamsOf({ channel, marketId }: Request, user: string | undefined): DrillStream[] {
  if (channel === "monitor:signals") return [named({ channel })];
  if (channel.startsWith("user:")) return [named({ channel, key: user })];
  const keys = marketId === undefined ? markets : [marketId].flat();
  return keys.map((key) => named({ channel, key }));
}

/** Connects every client to the port of the balancer. They may not be connected yet when it resolves. */
export async function openAudience(port: number, issuer: Issuer): Promise<Audience> {
  const link = await openLinkProxy();
  link.setTarget(port);
  const members = await Promise.all(
    plans().map(async ({ name, user, requests }, index) => ({
      client: new DrillClient({
        name,
        user,
        requests,
        url: `http://127.0.0.1:${index % 2 === 0 ? port : link.port}`,
        token: user === undefined ? undefined : await issuer.sign({ sub: user, expiresInSeconds: TOKEN_SECONDS }),
      }),
      streams: requests.flatMap((request) => streamsOf(request, user)),
    })),
  );
  return {
    members,
    link,
    async close() {
      for (const { client } of members) client.leave();
      await link.close();
    },
  };
}
