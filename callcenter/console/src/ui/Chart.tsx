// An ECharts chart: only the kinds of chart that are used are fetched, and only with the pages that draw one.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";

import { useTheme } from "../theme/theme";

echarts.use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

interface Props {
  option: echarts.EChartsCoreOption;
  label: string;
  height?: number;
}

export function Chart({ option, label, height = 280 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme((state) => state.name);
  useEffect(() => {
    if (!place.current) return;
    const chart = echarts.init(place.current, theme === "dark" ? "dark" : undefined);
    chart.setOption({ backgroundColor: "transparent", aria: { enabled: true }, animation: false, ...option });
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(place.current);
    return () => {
      observer.disconnect();
      chart.dispose();
    };
  }, [option, theme]);
  return <div ref={place} role="img" aria-label={label} style={{ height }} />;
}
