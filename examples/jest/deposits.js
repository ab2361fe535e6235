const { publish } = require("@vezta/realtime-publisher");

/** Tells a user of a deposit. */
exports.handler = async ({ id, time, detail }) => {
  const data = {
    ...{ id, category: "account", severity: "success", time: Date.parse(time) },
    ...{ title: "Deposit received", body: `${detail.amount} USDC has arrived in your account.` },
  };
  await publish({ channel: "user:notifications", key: detail.userId, eventId: id, data });
};
