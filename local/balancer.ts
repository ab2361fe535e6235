import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createProxyServer } from "httpxy";

/** Time for which an idle HTTP connection is kept, in ms. */
const KEEP_ALIVE_MS = 65_000;

const HEALTH_PERIOD_MS = 1_000;
const HEALTH_TIMEOUT_MS = 1_000;

/** The cookie by which an ALB finds the target of earlier requests. */
const STICKY_COOKIE = "AWSALB";

export interface BalancerOptions {
  /** Takes requests that are not for the targets; says whether it did. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Keeps requests of one client on one target, as long polling needs. @default false */
  readonly isSticky?: boolean;
}

interface Target {
  readonly url: string;
  isHealthy: boolean;
}

const ignore = (): void => undefined;

/**
 * Stands where the ALB stands: one port in front of the gateways, in turn among those that say they are ready. A
 * target that refuses a connection gets nobody until it is ready again; the client's own next attempt goes elsewhere.
 */
export class Balancer {
  readonly #serve: BalancerOptions["serve"];
  readonly #isSticky: boolean;
  readonly #targets = new Map<string, Target>();
  readonly #proxy = createProxyServer({ xfwd: true });
  readonly #http: Server;
  readonly #timer: NodeJS.Timeout;
  readonly #upgraded = new Set<Duplex>();
  #turn = 0;
  #cutUntil = 0;

  constructor({ serve, isSticky = false }: BalancerOptions) {
    this.#serve = serve;
    this.#isSticky = isSticky;
    this.#http = createServer((request, response) => this.#onRequest(request, response));
    // Node's 5 s end connections just as the simulator's SDK uses them again.
    this.#http.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#http.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#proxy.on("error", (_error, _request, response, target) => this.#onProxyError(response, target));
    this.#proxy.on("open", (socket) => socket.on("error", ignore));
    // The proxy passes on a polite end alone: a connection that was cut would live on at its gateway.
    this.#proxy.on("proxyReqWs", (request, _incoming, client) =>
      request.once("upgrade", (_response, target) => client.once("close", () => target.destroy())),
    );
    this.#timer = setInterval(() => void this.check(), HEALTH_PERIOD_MS);
    this.#timer.unref();
  }

  /** Listens, and resolves with the port. Rejects where it is taken. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(port, () => {
        this.#http.off("error", reject);
        resolve((this.#http.address() as AddressInfo).port);
      });
    });
  }

  /** Takes a target in; it gets clients once it has said that it is ready. */
  async addTarget(url: string): Promise<void> {
    const target = { url, isHealthy: false };
    this.#targets.set(url, target);
    await this.#checkTarget(target);
  }

  /** Sends nobody there any more; connections that are open stay. */
  removeTarget(url: string): void {
    this.#targets.delete(url);
  }

  get healthyTargets(): readonly string[] {
    return this.#healthy().map(({ url }) => url);
  }

  /** Asks every target whether it is ready; done once a second anyway. */
  async check(): Promise<void> {
    await Promise.all([...this.#targets.values()].map((target) => this.#checkTarget(target)));
  }

  /** Cuts every WebSocket without a goodbye, and lets nobody connect for that long. */
  cut(milliseconds: number): void {
    this.#cutUntil = Date.now() + milliseconds;
    for (const socket of this.#upgraded) socket.destroy();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #healthy(): Target[] {
    return [...this.#targets.values()].filter(({ isHealthy }) => isHealthy);
  }

  async #checkTarget(target: Target): Promise<void> {
    target.isHealthy = await fetch(`${target.url}/readyz`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  #choose({ headers }: IncomingMessage): Target | undefined {
    const healthy = this.#healthy();
    const cookie = new RegExp(`${STICKY_COOKIE}=([^;]+)`).exec(headers.cookie ?? "")?.[1];
    const known = this.#isSticky ? healthy.find(({ url }) => encodeURIComponent(url) === cookie) : undefined;
    this.#turn += 1;
    return known ?? healthy[this.#turn % Math.max(1, healthy.length)];
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    response.on("error", ignore);
    if (this.#serve(request, response)) return;
    const target = this.#choose(request);
    if (!target) {
      response.writeHead(503).end("no gateway is ready\n");
      return;
    }
    if (this.#isSticky) {
      response.setHeader("set-cookie", `${STICKY_COOKIE}=${encodeURIComponent(target.url)}; Path=/; HttpOnly`);
    }
    this.#proxy.web(request, response, { target: target.url }).catch(ignore);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", ignore);
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    const target = Date.now() < this.#cutUntil ? undefined : this.#choose(request);
    if (!target) socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
    else this.#proxy.ws(request, socket as Socket, { target: target.url }, head).catch(ignore);
  }

  #onProxyError(response: ServerResponse | Socket | undefined, target: unknown): void {
    for (const known of this.#targets.values()) {
      if (String(target).startsWith(known.url)) void this.#checkTarget(known);
    }
    if (response && "writeHead" in response && !response.headersSent) response.writeHead(502).end();
    else response?.destroy();
  }
}
