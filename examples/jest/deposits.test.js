// The handler imports publish() itself, so the module is replaced. Jest lets a factory use names that begin with mock.
const mockPublisher = require("@vezta/realtime-publisher/testing").createFakePublisher();

jest.mock("@vezta/realtime-publisher", () => ({
  ...jest.requireActual("@vezta/realtime-publisher"),
  publish: mockPublisher.publish,
}));

const { InvalidMessageError, PublishError } = require("@vezta/realtime-publisher");
const { handler } = require("./deposits.js");

const deposit = (userId) => ({ id: "deposit-1", time: "2026-01-01T00:00:00Z", detail: { userId, amount: "250" } });

beforeEach(() => mockPublisher.reset());

test("a deposit becomes one notification of its user, however often the event comes", async () => {
  await handler(deposit("alice"));
  await handler(deposit("alice"));

  expect(mockPublisher.published).toMatchObject([{ channel: "user:notifications", key: "alice" }]);
});

test("a failure reaches the caller", async () => {
  mockPublisher.failNext();

  await expect(handler(deposit("alice"))).rejects.toThrow(PublishError);
});

test("a message that does not fit the channel fails", async () => {
  await expect(handler(deposit(""))).rejects.toMatchObject({ cause: expect.any(InvalidMessageError) });
});
