import type { Issuer } from "../../../local/issuer.ts";
import type { ApplicationKind } from "../application.ts";
import type { BenchMessage, Carried } from "../message.ts";

/** The ports and other surroundings that a server of one run needs. */
export interface Surroundings {
  readonly redisPort: number;
  /** The port that the server is to listen on, on 127.0.0.1. */
  readonly port: number;
  readonly issuer: Issuer;
}

/** Command that starts a server process. */
export interface Launch {
  readonly command: string;
  readonly values: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Polled until it answers 200. Without it the server prints a line `ready`. */
  readonly readyUrl?: string;
}

/** Rooms that one client of the load asks for. */
export interface ClientPlan {
  readonly rooms: readonly string[];
  /** All that the rooms may get. For what is a user's own, the one room is the user, which needs a token where the server knows tokens. */
  readonly carries: readonly Carried[];
}

/** Brings messages to the server by the way that its publishers would take. */
export interface Sender {
  /** Resolves once Redis has them all. Messages of one room keep their order. */
  send(messages: readonly BenchMessage[]): Promise<unknown>;
  close(): void;
}

/** A server that is compared. */
export interface Contender {
  readonly label: string;
  /** True if it supports rooms; servers that do not send every message to every client. */
  readonly hasRooms: boolean;
  /** True if its clients may get one message for several books or portfolios that follow each other. */
  readonly skipsOlder?: boolean;
  /** The library by which applications are its clients. @default Socket.IO's client */
  readonly application?: ApplicationKind;
  /** Prepares what has to be there before the first start, such as packages that are installed on demand. */
  prepare?(onProgress: (text: string) => void): Promise<void>;
  launch(surroundings: Surroundings): Launch | Promise<Launch>;
  /** The handshake as lines of the load client's script: `C path`, `H header`, `> text to send`, `< start of a frame to wait for`. */
  handshake(plan: ClientPlan, surroundings: Surroundings): readonly string[] | Promise<readonly string[]>;
  openSender(surroundings: Surroundings): Promise<Sender>;
}
