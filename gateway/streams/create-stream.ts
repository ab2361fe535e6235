import { isStateChannel } from "../../contract/state/state-formats.ts";
import type { Stream } from "../../contract/stream.ts";
import type { StoredState } from "../../kernel/streams/stored-state.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import type { Target } from "../fan-out/fan-out-options.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import { dataOf, targetOf } from "../fan-out/stream-target.ts";
import type { Metrics } from "../metrics.ts";
import { EntryStream } from "./entry-stream.ts";
import { StateStream } from "./state-stream.ts";
import type { StreamState } from "./stream-state.ts";
import type { TopicRoom } from "./topic-room.ts";

export interface CreateStreamOptions {
  readonly reader: StreamReader;
  readonly metrics: Metrics;
  /** Resolves with the value of a `state` channel's stream in Redis; rejects with DamagedStateError. */
  readonly readState: (stream: Stream) => Promise<StoredState | undefined>;
  /** Most whole values of a stream a second to the subscribers of a `state` channel that did not ask for changes. */
  readonly wholeValueRate: number;
  /** Called with every message of the streams that are open here, once for each kind of subscriber and in order. */
  readonly send: (target: Target, content: OutgoingOptions) => void;
  readonly onError: (error: Error, stage: string) => void;
  /** Returns the open rooms of a stream: its own and the whole channel's. */
  readonly roomsOf: (stream: Stream) => readonly TopicRoom[];
}

/** Creates the state of a stream, by its channel's delivery class. A whole channel has very many: each has little of its own. */
export function createStream(stream: Stream, options: CreateStreamOptions): StreamState {
  return isStateChannel(stream.channel) ? createStateStream(stream, options) : createEntryStream(stream, options);
}

function createEntryStream(stream: Stream, { reader, metrics, send, onError }: CreateStreamOptions): StreamState {
  const { channel } = stream;
  return new EntryStream({
    stream,
    reader,
    deliver: (entry, source) => {
      metrics.messages.inc({ channel, source });
      send(targetOf(stream), dataOf(stream, entry));
    },
    onGap: (result) => metrics.gaps.inc({ channel, result }),
    onError: (error) => onError(error, "repair"),
  });
}

function createStateStream(
  stream: Stream,
  { reader, readState, wholeValueRate, send, metrics, onError, roomsOf }: CreateStreamOptions,
): StateStream {
  const { channel } = stream;
  return new StateStream({
    ...{ stream, reader, readState, wholeValueRate, send },
    // Each view sends what the entry means to its own subscribers.
    deliver: (_, source) => metrics.messages.inc({ channel, source }),
    onGap: (result) => metrics.gaps.inc({ channel, result }),
    onError: (error) => onError(error, "repair"),
    wanted: () => roomsOf(stream).flatMap(({ views }) => [...views].map(({ view }) => view)),
    onMismatch: () => metrics.stateMismatches.inc({ channel }),
    onReload: () => metrics.stateReloads.inc({ channel }),
    onDamaged: (error) => {
      metrics.stateDamaged.inc({ channel });
      onError(error, "state");
      for (const room of roomsOf(stream)) if (!room.isChannelRoom) room.lose(error);
    },
  });
}
