import "../support/dom.ts";
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import { pauseInBackground, RealtimeProvider, useChannel } from "@vezta/realtime-client/react-native";
import { createElement, type ReactNode } from "react";
import { AppState } from "react-native";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { setVisibility } from "../support/dom.ts";
import { messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterEach(() => {
  cleanup();
  setVisibility("visible");
});
afterAll(() => platform.stop());

const connections = () => platform.gateways[0]?.metric("rt_connections");
const useOrders = () => useChannel("user:orders");

const patience = { timeout: 60_000 };

function renderOrders(user: string, graceMs: number) {
  const token = (): Promise<string> => platform.issuer.sign({ sub: user });
  const url = String(platform.gateways[0]?.url);
  const wrapper = ({ children }: { readonly children?: ReactNode }) =>
    createElement(
      RealtimeProvider,
      { url, user, token, graceMs, backoff: { minimumMs: 20, maximumMs: 100 } },
      children,
    );
  return renderHook(useOrders, { wrapper });
}

describe("the provider of React Native", () => {
  it("disconnects in the background, and resumes in the foreground", async () => {
    const { result } = renderOrders("mobile", 50);
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    const ids = await platform.publish(messages("user:orders", "mobile", 2));
    await waitFor(() => expect(result.current.messages).toHaveLength(2), patience);
    setVisibility("hidden");
    await expect.poll(connections).toBe(0);
    ids.push(...(await platform.publish(messages("user:orders", "mobile", 3, 3))));
    setVisibility("visible");
    await waitFor(() => expect(result.current.messages.map(({ id }) => id)).toEqual(ids), patience);
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
  });

  it("stays connected during a short switch to another app", async () => {
    const { result } = renderOrders("glance", 60_000);
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    setVisibility("hidden");
    const ids = await platform.publish(messages("user:orders", "glance", 2));
    await waitFor(() => expect(result.current.messages.map(({ id }) => id)).toEqual(ids), patience);
    setVisibility("visible");
    expect([result.current.status, await connections()]).toEqual(["live", 1]);
  });
});

describe("pauseInBackground", () => {
  const setUp = () => {
    vi.useFakeTimers();
    const client = { pause: vi.fn(), resume: vi.fn(), reconnect: vi.fn(), probe: vi.fn() };
    const stop = pauseInBackground({ client, appState: AppState, graceMs: 1_000 });
    const calls = () =>
      [client.pause, client.resume, client.reconnect, client.probe].map(({ mock }) => mock.calls.length);
    return { calls, stop };
  };
  afterEach(() => void vi.useRealTimers());

  it("pauses after the grace period, and resumes", () => {
    const { calls, stop } = setUp();
    setVisibility("hidden");
    vi.advanceTimersByTime(999);
    expect(calls()).toEqual([0, 0, 0, 0]);
    vi.advanceTimersByTime(1);
    expect(calls()).toEqual([1, 0, 0, 0]);
    setVisibility("visible");
    expect(calls()).toEqual([1, 1, 0, 0]);
    stop();
  });

  it("reconnects where the system had stopped the timers", () => {
    const { calls, stop } = setUp();
    setVisibility("hidden");
    vi.setSystemTime(Date.now() + 3_600_000);
    setVisibility("visible");
    expect(calls()).toEqual([0, 0, 1, 0]);
    stop();
  });

  it("probes the connection after a short switch to another app", () => {
    const { calls, stop } = setUp();
    setVisibility("hidden");
    vi.advanceTimersByTime(500);
    setVisibility("visible");
    expect(calls()).toEqual([0, 0, 0, 1]);
    stop();
  });

  it("does nothing once it is stopped", () => {
    const { calls, stop } = setUp();
    setVisibility("hidden");
    stop();
    vi.advanceTimersByTime(5_000);
    setVisibility("visible");
    expect(calls()).toEqual([0, 0, 0, 0]);
  });
});
