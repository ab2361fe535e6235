import { ChannelError } from "../../../contract/errors.ts";
import type { AuthenticatedMessage } from "../../../contract/messages.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { Backoff, type BackoffOptions } from "../timing/backoff.ts";
import { readClaims } from "../tokens/token-claims.ts";
import { TokenRenewal } from "../tokens/token-renewal.ts";
import { type ConnectionToken, TokenSource } from "../tokens/token-source.ts";
import type { Token } from "../types.ts";
import type { Connection } from "./connection.ts";
import { TokenError } from "./connection-error.ts";

interface AuthenticationOptions {
  readonly token: Token | undefined;
  readonly backoff: BackoffOptions | undefined;
  readonly tokenTimeoutMs: number | undefined;
  readonly registry: SubscriptionRegistry;
  /** Returns the open connections; two during a hand-over. */
  readonly connections: () => readonly Connection[];
  readonly onError: (error: Error) => void;
}

/** Manages the identity of the client: its tokens over all connections, and the private subscriptions when they change. */
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

  /** Resolves with the token of a new connection, or rejects with a TokenError. After some of these there is no token. */
  async tokenForConnection(): Promise<ConnectionToken> {
    try {
      return await this.#tokens.fetchForConnection();
    } catch (cause) {
      throw new TokenError(cause);
    }
  }

  /** Handles a connection that the service has accepted, with its token. A token that was withheld is sent now. */
  onOpen({ token, isTokenWithheld }: Connection): void {
    this.#setUser(readClaims(token).sub);
    if (isTokenWithheld) this.#renewal.renew().catch((error: unknown) => this.#onFailure(error));
    else {
      if (token !== null) this.#tokens.accept();
      this.#renewal.schedule(token);
    }
  }

  /** Handles a connection that was refused, possibly because of its token. */
  onRefused({ token }: Connection): void {
    if (token !== null) this.#tokens.refuse(token);
  }

  /** Handles the end of a private subscription, which a new token may bring back. */
  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void {
    if (this.#tokens.isRenewable) this.#renewal.renewSoon();
    else subscription.health.drop(this, error);
  }

  /** Fetches a token and renews in place. Rejects with the refusal, or with what the application's function throws. */
  renew(): Promise<void> {
    return this.#renewal.renew();
  }

  /** Cancels the next renewal. */
  stop(): void {
    this.#renewal.stop();
  }

  async #authenticate(token: string | null): Promise<AuthenticatedMessage> {
    const { connections, registry } = this.#options;
    const open = connections();
    const [answer] = await Promise.all(open.map((connection) => connection.authenticate(token)));
    if (!answer) throw new Error("there is no connection");
    this.#setUser(answer.sub ?? undefined);
    for (const subscription of registry.all) {
      if (!subscription.isPrivate || subscription.health.isConfirmed) continue;
      subscription.health.drop(this);
      for (const connection of open) connection.subscribe(subscription);
    }
    return answer;
  }

  #onFailure(error: unknown): void {
    this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    if (!(error instanceof ChannelError)) return;
    for (const subscription of this.#options.registry.all) {
      if (subscription.isPrivate && !subscription.health.isConfirmed) subscription.health.drop(this, error);
    }
  }

  /** Resets the private subscriptions when the user changes: the positions are those of the other user's streams. */
  #setUser(user: string | undefined): void {
    if (user !== undefined && this.#user !== undefined && user !== this.#user) {
      for (const subscription of this.#options.registry.all) if (subscription.isPrivate) subscription.reset();
    }
    this.#user = user ?? this.#user;
  }
}
