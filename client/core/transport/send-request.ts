import type { RequestEvent, Transport } from "./transport.ts";

/** After this time without an answer a request fails, in ms. */
export const ANSWER_TIMEOUT_MS = 15_000;

/** The answer that a request gets where the service sends none in time. */
const timeout = { code: "unavailable", message: `no answer within ${ANSWER_TIMEOUT_MS / 1_000} s` };

export interface RequestOptions {
  readonly event: RequestEvent;
  readonly content: object;
  /** Called with an answer, or a part of one. Returns whether more of it is to come. */
  readonly onAnswer: (answer: unknown) => boolean;
  /** Called with what arrives after the answer, or after the timeout. */
  readonly onLate: (answer: unknown) => void;
  /** Called at the timeout, before `onAnswer` is called with an error. */
  readonly onTimeout: () => void;
}

/** Sends one request, which fails at the timeout. Returns a function after which none of the callbacks is called. */
export function sendRequest(send: Transport["request"], options: RequestOptions): () => void {
  const { event, content, onAnswer, onLate, onTimeout } = options;
  let isDone = false;
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const restart = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isDone = true;
      onTimeout();
      onAnswer(timeout);
    }, ANSWER_TIMEOUT_MS);
  };
  restart();
  send(event, content, (answer) => {
    if (isStopped) return;
    if (isDone) {
      onLate(answer);
      return;
    }
    isDone = !onAnswer(answer);
    if (isDone) clearTimeout(timer);
    else restart();
  });
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
