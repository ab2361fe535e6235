import type { SQSRecord } from "aws-lambda";
import { type EdgeHint, parseHint } from "../../../kernel/streams/edge-hint.ts";
import type { DeliveryPlan } from "./delivery-plan.ts";

/** The records of one message group, in their order. They succeed and fail together, so that order holds. */
export interface MessageGroup {
  readonly records: SQSRecord[];
  readonly hints: EdgeHint[];
  plan?: DeliveryPlan | undefined;
  hasFailed: boolean;
}

/** Groups the records of a batch. Drops records that are not hints, and calls `onError` for each of them. */
export function groupRecords(
  records: readonly SQSRecord[],
  onError: (error: unknown, stage: string) => void,
): MessageGroup[] {
  const groups = new Map<string, MessageGroup>();
  for (const record of records) {
    const hint = parseHint(record.body);
    // As a failure it would be redelivered and hold up its group; the next hint finds the stream that it may have meant.
    if (!hint) {
      onError(new Error(`message ${record.messageId} is not a hint`), "parse");
      continue;
    }
    const name = record.attributes.MessageGroupId ?? record.messageId;
    const group = groups.get(name) ?? { records: [], hints: [], hasFailed: false };
    group.records.push(record);
    group.hints.push(hint);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** True where SQS has delivered one of the records at least so often. */
export const isReceived = ({ records }: MessageGroup, times: number): boolean =>
  records.some(({ attributes }) => Number(attributes.ApproximateReceiveCount) >= times);
