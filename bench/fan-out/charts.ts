import { init } from "echarts";
import type { Measure } from "./measurement.ts";
import type { Row } from "./row.ts";
import type { ServerName } from "./servers/servers.ts";
import type { ShapeName } from "./shapes.ts";

const WIDTH = 920;
const BAR_HEIGHT = 22;
const PANEL_HEAD = 58;
const PANEL_GAP = 18;
const LABEL_WIDTH = 112;
const VALUE_WIDTH = 84;
const INK = "#1f2933";
const FAINT = "#7b8794";
const OURS = "#1f6feb";
const THEIRS = "#b6c2cf";
const NATIVE = "#dde4ea";
const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/** Servers without JavaScript, which are there as a limit. */
const natives: readonly ServerName[] = ["uws", "c-each", "c-bundled"];

const names: Readonly<Record<ServerName, string>> = {
  gateway: "this gateway",
  stock: "Socket.IO",
  sharded: "… sharded",
  socketcluster: "SocketCluster",
  ws: "ws",
  uws: "µWebSockets",
  "c-each": "C, each",
  "c-bundled": "C, bundled",
};

/** One measure of one shape, as a bar for each server. */
interface Panel {
  readonly shape: ShapeName;
  readonly measure: Measure;
  readonly title: string;
  /** What the measure is divided by. */
  readonly unit?: number;
}

interface Chart {
  readonly file: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const CPU = "cpuMicrosPerDelivery";

const charts: readonly Chart[] = [
  {
    file: "cpu.svg",
    title: "Server CPU per delivered message, µs (less is better)",
    panels: [
      { shape: "bursts", measure: CPU, title: "bursts of 20 to 1,000 clients" },
      { shape: "rooms", measure: CPU, title: "5 of 50 rooms each, saturated" },
      { shape: "singles", measure: CPU, title: "singles, 50 a second" },
      { shape: "singles-100", measure: CPU, title: "singles, 100 a second" },
      { shape: "singles-500", measure: CPU, title: "singles, 500 a second" },
      { shape: "private", measure: CPU, title: "private messages" },
    ],
  },
  {
    file: "throughput.svg",
    title: "Deliveries a second that one core takes, in thousands (more is better)",
    panels: [
      { shape: "saturation", measure: "deliveriesPerSecond", title: "1,000 clients of one room", unit: 1_000 },
      { shape: "rooms", measure: "deliveriesPerSecond", title: "5 of 50 rooms each", unit: 1_000 },
    ],
  },
  {
    file: "latency.svg",
    title: "Publish to receive, ms (less is better)",
    panels: [
      { shape: "half-saturation", measure: "p50Ms", title: "half of own saturation, p50" },
      { shape: "half-saturation", measure: "p99Ms", title: "half of own saturation, p99" },
      { shape: "bursts", measure: "p50Ms", title: "bursts of 20 to 1,000 clients, p50" },
      { shape: "bursts", measure: "p99Ms", title: "bursts of 20 to 1,000 clients, p99" },
    ],
  },
  {
    file: "connections.svg",
    title: "Connections",
    panels: [
      { shape: "connect", measure: "handshakesPerSecond", title: "handshakes a second (more is better)" },
      { shape: "idle", measure: "bytesPerConnection", title: "KiB per idle connection (less is better)", unit: 1_024 },
    ],
  },
];

const round = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));

const colorOf = (server: ServerName): string =>
  server === "gateway" ? OURS : natives.includes(server) ? NATIVE : THEIRS;

function draw(option: Parameters<ReturnType<typeof init>["setOption"]>[0], height: number): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption({ ...option, animation: false, backgroundColor: "#ffffff", textStyle: { fontFamily: FONT } });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

const heading = (text: string) => ({
  ...{ text, left: 16, top: 12 },
  textStyle: { fontSize: 16, fontWeight: "bold" as const, color: INK },
});

/** Two panels beside each other, in as many lines as it takes. */
function drawPanels({ title, panels }: Chart, rows: readonly Row[]): string | undefined {
  const filled = panels
    .map((panel) => ({
      panel,
      bars: rows.filter(({ shape, measures }) => shape === panel.shape && measures[panel.measure]),
    }))
    .filter(({ bars }) => bars.length > 0);
  if (filled.length === 0) return undefined;
  const most = Math.max(...filled.map(({ bars }) => bars.length));
  const panelHeight = PANEL_HEAD + most * BAR_HEIGHT + PANEL_GAP;
  const half = WIDTH / 2;
  const placed = filled.map((each, index) => {
    const left = (index % 2) * half;
    return { ...each, index, left, top: 36 + Math.floor(index / 2) * panelHeight };
  });
  const option = {
    title: [
      heading(title),
      ...placed.map(({ panel, left, top }) => ({
        ...{ text: panel.title, left: left + 16, top: top + 14 },
        textStyle: { fontSize: 13, fontWeight: "normal" as const, color: FAINT },
      })),
    ],
    grid: placed.map(({ left, top, bars }) => ({
      ...{ left: left + LABEL_WIDTH + 16, top: top + PANEL_HEAD - 16, containLabel: false },
      ...{ width: half - LABEL_WIDTH - VALUE_WIDTH - 32, height: bars.length * BAR_HEIGHT },
    })),
    xAxis: placed.map(({ index }) => ({ type: "value" as const, gridIndex: index, show: false, min: 0 })),
    yAxis: placed.map(({ index, bars }) => ({
      ...{ type: "category" as const, gridIndex: index, inverse: true, data: bars.map(({ server }) => names[server]) },
      ...{ axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: INK, fontSize: 12, margin: 10 } },
    })),
    series: placed.map(({ panel, index, bars }) => ({
      ...{ type: "bar" as const, xAxisIndex: index, yAxisIndex: index, barWidth: 14 },
      label: { show: true, position: "right" as const, color: INK, fontSize: 12, formatter: "{@[0]}" },
      data: bars.map(({ server, measures }) => {
        const value = (measures[panel.measure]?.median ?? 0) / (panel.unit ?? 1);
        return { value, itemStyle: { color: colorOf(server), borderRadius: 2 }, label: { formatter: round(value) } };
      }),
    })),
  };
  return draw(option, 36 + Math.ceil(placed.length / 2) * panelHeight);
}

/** Memory of the server over the time for which some of its clients did not read. */
function drawStalled(rows: readonly Row[]): string | undefined {
  const watched = rows.filter(({ shape, rssSeries }) => shape === "stalled" && rssSeries);
  if (watched.length === 0) return undefined;
  const option = {
    title: [heading("Memory (RSS, MiB) while 100 of 2,000 clients do not read")],
    grid: { left: 64, right: 120, top: 60, bottom: 48 },
    xAxis: {
      ...{ type: "value" as const, name: "seconds", nameLocation: "middle" as const, nameGap: 28 },
      ...{ max: "dataMax", splitLine: { show: false }, axisLabel: { color: FAINT } },
    },
    yAxis: {
      type: "value" as const,
      min: 0,
      axisLabel: { color: FAINT },
      splitLine: { lineStyle: { color: "#eef1f4" } },
    },
    series: watched.map(({ server, rssSeries = [] }) => ({
      ...{ type: "line" as const, showSymbol: false, name: names[server] },
      lineStyle: { width: 2, color: server === "gateway" ? OURS : FAINT },
      endLabel: { show: true, formatter: names[server], color: server === "gateway" ? OURS : FAINT, fontSize: 12 },
      data: rssSeries.map((bytes, second) => [second, Math.round(bytes / 2 ** 20)]),
    })),
  };
  return draw(option, 320);
}

/** The charts that the rows are enough for, as SVG by file name. */
export function drawCharts(rows: readonly Row[]): ReadonlyMap<string, string> {
  const drawn = [
    ...charts.map((chart) => [chart.file, drawPanels(chart, rows)] as const),
    ["stalled.svg", drawStalled(rows)] as const,
  ];
  return new Map(drawn.flatMap(([file, svg]) => (svg === undefined ? [] : [[file, svg] as const])));
}
