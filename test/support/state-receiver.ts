import type { DataEvent } from "../../contract/messages.ts";
import { stateFormat } from "../../contract/state/state-formats.ts";
import { applyVerified, sumOf, type VerifiedState } from "../../contract/state/verified-state.ts";

/**
 * One stream of a `state` channel at a client, by the words of docs/protocol.md and without the code of an edge: a whole value
 * replaces what there is, a change is applied to what it follows.
 */
export class StateReceiver {
  state: VerifiedState | undefined;
  lastId: string | undefined;
  /** Sums that were not those of the value. */
  mismatches = 0;
  /** Changes that did not follow the value. */
  gaps = 0;
  /** Messages that were no newer than the value. */
  repeats = 0;

  /** Takes a message. Returns true where the value is proven afterwards. */
  take(message: DataEvent): boolean {
    const format = stateFormat(message.channel);
    if (!format) throw new Error(`${message.channel} is no state channel`);
    if ("data" in message) {
      const isProven = sumOf<object>(format, message.data) === message.sum;
      if (!isProven) this.mismatches += 1;
      this.state = { value: message.data, sum: message.sum ?? 0 };
      this.lastId = message.id;
      return isProven;
    }
    if (message.id === this.lastId) {
      this.repeats += 1;
      return true;
    }
    if (message.prev !== this.lastId || !this.state) {
      this.gaps += 1;
      return false;
    }
    const next = applyVerified(format, this.state, message.changes, message.sum);
    if (!next) {
      this.mismatches += 1;
      return false;
    }
    this.state = next;
    this.lastId = message.id;
    return true;
  }
}
