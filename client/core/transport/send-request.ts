import type { RequestEvent, Transport } from "./transport.ts";

/** After this time without an answer a request is made again, in ms. */
export const ANSWER_TIMEOUT_MS = 15_000;

/** What a request gets where the service does not answer in time. */
const timeout = { code: "unavailable", message: `the service did not answer within ${ANSWER_TIMEOUT_MS / 1_000} s` };

export interface Exchange {
  readonly event: RequestEvent;
  readonly content: object;
  /** Takes an answer, or a part of it. Returns whether more of it is to come. */
  readonly onAnswer: (answer: unknown) => boolean;
  /** Takes what comes after the answer, or after the time for it. */
  readonly onLate: (answer: unknown) => void;
  /** Called where the time is over. `onAnswer` is called too, with an error. */
  readonly onTimeout: () => void;
}

/** Makes one request. Returns what stops it: nothing is called any more. */
export function exchange(send: Transport["request"], options: Exchange): () => void {
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
