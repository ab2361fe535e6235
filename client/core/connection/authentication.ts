import { ChannelError } from "../../../contract/errors.ts";
import type { AuthenticatedMessage } from "../../../contract/messages.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { Backoff, type BackoffOptions } from "../timing/backoff.ts";
import { TokenRenewal } from "../tokens/token-renewal.ts";
import { type ConnectionToken, readClaims, TokenSource } from "../tokens/token-source.ts";
import type { Token } from "../types.ts";
import type { Session } from "./connection.ts";
import { TokenError } from "./connection-error.ts";

interface AuthenticationOptions {
  readonly token: Token | undefined;
  readonly backoff: BackoffOptions | undefined;
  readonly tokenTimeoutMs: number | undefined;
  readonly registry: SubscriptionRegistry;
  /** The connections that are open; two during a hand-over. */
  readonly sessions: () => readonly Session[];
  readonly onError: (error: Error) => void;
}

/** Who the client is: its tokens over all connections, and what a change of them means for private subscriptions. */
export class Authentication {
  readonly #options: AuthenticationOptions;
  readonly #tokens: TokenSource;
  readonly #renewal: TokenRenewal;
  #user: string | undefined;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    this.#tokens = new TokenSource(options.token, options.tokenTimeoutMs);
    this.#renewal = new TokenRenewal({
      tokens: this.#tokens,
      backoff: new Backoff(options.backoff),
      authenticate: (token) => this.#authenticate(token),
      onFailure: (error) => this.#onFailure(error),
    });
  }

  /** The token for a new connection. Rejects with a TokenError; after some of these a connection begins without one. */
  async tokenForConnection(): Promise<ConnectionToken> {
    try {
      return await this.#tokens.fetchForConnection();
    } catch (cause) {
      throw new TokenError(cause);
    }
  }

  /** The service has taken a connection, and so its token, unless that was withheld: then it is shown now. */
  onOpen({ token, isTokenWithheld }: Session): void {
    this.#setUser(readClaims(token).sub);
    if (isTokenWithheld) this.#renewal.renew().catch((error: unknown) => this.#onFailure(error));
    else {
      if (token !== null) this.#tokens.accept();
      this.#renewal.schedule(token);
    }
  }

  /** A connection was refused, perhaps because of its token. */
  onRefused({ token }: Session): void {
    if (token !== null) this.#tokens.refuse(token);
  }

  /** The service has ended a private subscription: a new token may bring it back. */
  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void {
    if (this.#tokens.isRenewable) this.#renewal.renewSoon();
    else subscription.conditions.drop(this, error);
  }

  /** Asks for a token and renews in place. Rejects with the refusal, or with what the application's function throws. */
  renew(): Promise<void> {
    return this.#renewal.renew();
  }

  stop(): void {
    this.#renewal.stop();
  }

  async #authenticate(token: string | null): Promise<AuthenticatedMessage> {
    const { sessions, registry } = this.#options;
    const open = sessions();
    const [answer] = await Promise.all(open.map((session) => session.authenticate(token)));
    if (!answer) throw new Error("there is no connection");
    this.#setUser(answer.sub ?? undefined);
    for (const subscription of registry.all) {
      if (!subscription.isPrivate || subscription.conditions.isCarried) continue;
      subscription.conditions.drop(this);
      for (const session of open) session.ask(subscription);
    }
    return answer;
  }

  #onFailure(error: unknown): void {
    this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    if (!(error instanceof ChannelError)) return;
    for (const subscription of this.#options.registry.all) {
      if (subscription.isPrivate && !subscription.conditions.isCarried) subscription.conditions.drop(this, error);
    }
  }

  /** A private stream is one user's: what was known of it says nothing about the next one's. */
  #setUser(user: string | undefined): void {
    if (user !== undefined && this.#user !== undefined && user !== this.#user) {
      for (const subscription of this.#options.registry.all) if (subscription.isPrivate) subscription.reset();
    }
    this.#user = user ?? this.#user;
  }
}
