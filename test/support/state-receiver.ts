import { FIRST_ID } from "../../contract/ids.ts";
import type { DataEvent } from "../../contract/messages.ts";
import { stateFormat } from "../../contract/state/state-formats.ts";
import { applyVerified, sumOf, type VerifiedState } from "../../contract/state/verified-state.ts";

/** A receiver of one stream of a state channel that follows docs/protocol.md, and keeps what is wrong with a message. */
export class StateReceiver {
  state: VerifiedState | undefined;
  id = FIRST_ID;
  readonly problems: string[] = [];

  take(message: DataEvent): void {
    const format = stateFormat(message.channel);
    if (!format) throw new Error(`${message.channel} is not a state channel`);
    if ("data" in message) {
      if (sumOf<object>(format, message.data) !== message.sum)
        this.problems.push(`${message.id}: wrong sum of a value`);
      this.state = { value: message.data, sum: message.sum ?? 0 };
    } else {
      const { changes, sum, prev } = message;
      if (prev !== this.id) this.problems.push(`${message.id}: follows ${prev}, not ${this.id}`);
      this.state = this.state && applyVerified(format, this.state, changes, sum);
      if (!this.state) this.problems.push(`${message.id}: not the publisher's value`);
    }
    this.id = message.id;
  }

  /** Takes messages in their order. */
  takeAll(messages: readonly DataEvent[]): this {
    for (const message of messages) this.take(message);
    return this;
  }
}
