export { EdgeClient } from "./edge-client.js";
export { Journal, streamsOf } from "./journal.js";
export { describe, judge } from "./judge.js";
export { stateOf, streamNameOf } from "./protocol.js";
export { LIVE_BOUND_MS, SdkClient } from "./sdk-client.js";
export { StockClient } from "./stock-client.js";
export { StreamFollower } from "./stream-follower.js";
