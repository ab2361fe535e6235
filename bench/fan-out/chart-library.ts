import { createRequire } from "node:module";
import { join } from "node:path";
import { installPackages } from "../../local/install-packages.ts";

/** The folder of the chart library, which weighs more than all that the gateway uses. */
const CHARTS = join(import.meta.dirname, "../charts");

/** The part of ECharts that draws without a browser. */
export interface ChartLibrary {
  init(element: null, theme: null, options: object): Chart;
}

interface Chart {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

/** Loads ECharts, installing it first where it is not there yet. */
export async function loadChartLibrary(onProgress: (text: string) => void = () => undefined): Promise<ChartLibrary> {
  await installPackages(CHARTS, "installing the chart library (once, about 70 MB)", onProgress);
  return createRequire(join(CHARTS, "package.json"))("echarts");
}
