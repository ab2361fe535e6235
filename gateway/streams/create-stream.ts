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
import type { EntrySource, StreamState, StreamStateOptions } from "./stream-state.ts";
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
  /** Returns the open rooms of the stream: its own and the whole channel's. */
  readonly roomsOf: () => readonly TopicRoom[];
}

type CommonOptions = Omit<StreamStateOptions, "deliver"> & { readonly count: (source: EntrySource) => void };

/** Creates the state of a stream, by its channel's delivery class. */
export function createStream(stream: Stream, options: CreateStreamOptions): StreamState {
  const { reader, metrics, send, onError } = options;
  const { channel } = stream;
  const common: CommonOptions = {
    ...{ stream, reader },
    count: (source) => metrics.messages.inc({ channel, source }),
    onGap: (result) => metrics.gaps.inc({ channel, result }),
    onError: (error) => onError(error, "repair"),
  };
  if (isStateChannel(channel)) return createStateStream(common, options);
  const deliver: StreamStateOptions["deliver"] = (entry, source) => {
    common.count(source);
    send(targetOf(stream), dataOf(stream, entry));
  };
  return new EntryStream({ ...common, deliver });
}

function createStateStream(
  { count, ...common }: CommonOptions,
  { readState, wholeValueRate, send, metrics, onError, roomsOf }: CreateStreamOptions,
): StateStream {
  const { channel } = common.stream;
  return new StateStream({
    ...common,
    ...{ readState, wholeValueRate, send },
    // Each view sends what the entry means to its own subscribers.
    deliver: (_, source) => count(source),
    wanted: () => roomsOf().flatMap(({ views }) => [...views].map(({ view }) => view)),
    onMismatch: () => metrics.stateMismatches.inc({ channel }),
    onReload: () => metrics.stateReloads.inc({ channel }),
    onDamaged: (error) => {
      metrics.stateDamaged.inc({ channel });
      onError(error, "state");
      for (const room of roomsOf()) if (!room.isChannelRoom) room.lose(error);
    },
  });
}
