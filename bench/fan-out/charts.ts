import { type ChartLibrary, loadChartLibrary } from "./chart-library.ts";
import type { Measure } from "./measurement.ts";
import type { Row } from "./row.ts";
import type { ServerName } from "./servers/servers.ts";
import type { ShapeName } from "./shapes.ts";

const WIDTH = 920;
const BAR_HEIGHT = 22;
const PANEL_HEAD = 58;
const PANEL_GAP = 6;
const CHART_HEAD = 36;
const MARGIN = 16;
const LABEL_WIDTH = 140;
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
  sharded: "Socket.IO sharded",
  socketcluster: "SocketCluster",
  ws: "ws",
  uws: "µWebSockets",
  "c-each": "C, each",
  "c-bundled": "C, bundled",
  whole: "this gateway, whole values",
  compressed: "this gateway, compressing",
  "wide-window": "this gateway, 25 ms",
  "two-processes": "this gateway, 2 processes",
};

/** One measure of one shape, as a bar for each server. */
interface Panel {
  readonly shape: ShapeName;
  readonly measure: Measure;
  readonly title: string;
  /** Divisor of the measure. */
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

/** Draws a chart of that height as SVG. */
type Draw = (option: object, height: number) => string;

const drawWith =
  (library: ChartLibrary): Draw =>
  (option, height) => {
    const chart = library.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
    chart.setOption({ ...option, animation: false, backgroundColor: "#ffffff", textStyle: { fontFamily: FONT } });
    const svg = chart.renderToSVGString();
    chart.dispose();
    return svg;
  };

const heading = (text: string) => ({
  ...{ text, left: MARGIN, top: 12 },
  textStyle: { fontSize: 16, fontWeight: "bold" as const, color: INK },
});

/** A panel with the rows that have its measure, and where it is drawn. */
interface PlacedPanel {
  readonly panel: Panel;
  readonly bars: readonly Row[];
  readonly left: number;
  readonly top: number;
}

const axesOf = (placed: readonly PlacedPanel[]) => ({
  grid: placed.map(({ left, top, bars }) => ({
    ...{ left: left + LABEL_WIDTH, top: top + PANEL_HEAD - 16, containLabel: false },
    ...{ width: WIDTH / 2 - LABEL_WIDTH - VALUE_WIDTH, height: bars.length * BAR_HEIGHT },
  })),
  xAxis: placed.map((_, gridIndex) => ({ type: "value" as const, gridIndex, show: false, min: 0 })),
  yAxis: placed.map(({ bars }, gridIndex) => ({
    ...{ type: "category" as const, gridIndex, inverse: true, data: bars.map(({ server }) => names[server]) },
    ...{ axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: INK, fontSize: 12, margin: 10 } },
  })),
});

/** The bars, and over each a line from the least to the most of its runs, with the median in figures after it. */
function seriesOf({ panel: { measure, unit = 1 }, bars }: PlacedPanel, index: number) {
  const spreads = bars.map(({ measures }) => measures[measure]).filter((each) => each !== undefined);
  const axes = { xAxisIndex: index, yAxisIndex: index };
  return [
    {
      ...{ ...axes, type: "bar" as const, barWidth: 14 },
      data: bars.map(({ server }, row) => ({
        value: (spreads[row]?.median ?? 0) / unit,
        itemStyle: { color: colorOf(server), borderRadius: 2 },
      })),
    },
    {
      ...{ ...axes, type: "custom" as const, z: 3 },
      encode: { x: [0, 1], y: 2 },
      data: spreads.map(({ minimum, maximum }, row) => [minimum / unit, maximum / unit, row]),
      renderItem: (
        params: { dataIndex: number },
        api: { coord: (at: number[]) => number[]; value: (at: number) => unknown },
      ) => {
        const at = (dimension: number): number[] => api.coord([Number(api.value(dimension)), Number(api.value(2))]);
        const [[x1 = 0, y = 0], [x2 = 0]] = [at(0), at(1)];
        const text = round((spreads[params.dataIndex]?.median ?? 0) / unit);
        const line = { type: "line" as const, shape: { x1, x2, y1: y, y2: y }, style: { stroke: INK, opacity: 0.55 } };
        const label = { text, x: x2 + 6, y, fill: INK, fontSize: 12, verticalAlign: "middle" as const };
        return { type: "group" as const, children: [line, { type: "text" as const, style: label }] };
      },
    },
  ];
}

/** Two panels beside each other, in as many lines as it takes. */
function drawPanels({ title, panels }: Chart, rows: readonly Row[], draw: Draw): string | undefined {
  const filled = panels
    .map((panel) => ({
      panel,
      bars: rows.filter(({ shape, measures }) => shape === panel.shape && measures[panel.measure]),
    }))
    .filter(({ bars }) => bars.length > 0);
  if (filled.length === 0) return undefined;
  const most = Math.max(...filled.map(({ bars }) => bars.length));
  const panelHeight = PANEL_HEAD + most * BAR_HEIGHT + PANEL_GAP;
  const placed = filled.map((each, index) => ({
    ...each,
    left: (index % 2) * (WIDTH / 2),
    top: CHART_HEAD + Math.floor(index / 2) * panelHeight,
  }));
  const titles = placed.map(({ panel, left, top }) => ({
    ...{ text: panel.title, left: left + MARGIN, top: top + 12 },
    textStyle: { fontSize: 13, fontWeight: "normal" as const, color: FAINT },
  }));
  const option = { title: [heading(title), ...titles], ...axesOf(placed), series: placed.flatMap(seriesOf) };
  return draw(option, CHART_HEAD + Math.ceil(placed.length / 2) * panelHeight);
}

/** Memory of the server over the time for which some of its clients did not read. */
function drawStalled(rows: readonly Row[], draw: Draw): string | undefined {
  const title = "Memory of the server (RSS, MiB) while 100 of 2,000 clients do not read";
  const watched = rows.filter(({ shape, rssSeries }) => shape === "stalled" && rssSeries);
  if (watched.length === 0) return undefined;
  const option = {
    title: [heading(title)],
    grid: { left: 64, right: 120, top: 60, bottom: 48 },
    xAxis: {
      ...{ type: "value" as const, name: "seconds", nameLocation: "middle" as const, nameGap: 28 },
      ...{
        max: Math.max(...watched.map(({ rssSeries = [] }) => rssSeries.length - 1)),
        splitLine: { show: false },
        axisLabel: { color: FAINT },
      },
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
      labelLayout: { moveOverlap: "shiftY" as const },
      endLabel: { show: true, formatter: names[server], color: server === "gateway" ? OURS : FAINT, fontSize: 12 },
      data: rssSeries.map((bytes, second) => [second, Math.round(bytes / 2 ** 20)]),
    })),
  };
  return draw(option, 320);
}

/** Draws the charts that the rows are enough for, as SVG by file name. */
export async function drawCharts(rows: readonly Row[]): Promise<ReadonlyMap<string, string>> {
  const draw = drawWith(await loadChartLibrary());
  const drawn = [
    ...charts.map((chart) => [chart.file, drawPanels(chart, rows, draw)] as const),
    ["stalled.svg", drawStalled(rows, draw)] as const,
  ];
  return new Map(drawn.flatMap(([file, svg]) => (svg === undefined ? [] : [[file, svg] as const])));
}
