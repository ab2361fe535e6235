import { preparePublish, publish } from "../../publisher/publish.ts";

// While Lambda starts the function, so that the first event does not wait for the Redis password.
await preparePublish();

export { publish };
