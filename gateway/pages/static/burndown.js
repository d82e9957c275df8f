// Draws what is left of a fund, day by day, from the data beside it; the table stays for who reads it otherwise.

import { axis, colour, draw, money, roundMoney, told, tooltip } from "./charting.js";

const DAY_MS = 86400000;
const element = document.getElementById("burndown");
const { days, ends_on, names } = told("burndown-data");
const left = days.map((each) => [each.day, each.yuan]);
const ahead = ends_on ? [left.at(-1), [ends_on, 0]] : [];

draw(element, () => ({
  grid: { left: 8, right: 24, top: 16, bottom: 8, containLabel: true },
  tooltip: tooltip({ trigger: "axis", formatter: ([{ value }]) => about(...value) }),
  xAxis: axis({ type: "time", minInterval: DAY_MS, axisLabel: { color: colour("quiet"), hideOverlap: true, formatter: "{yyyy}-{MM}-{dd}" }, splitLine: { show: false } }),
  yAxis: axis({ type: "value", min: 0, axisLabel: { color: colour("quiet"), formatter: roundMoney } }),
  series: [
    { type: "line", data: left, symbolSize: 6, color: colour("leaf"), areaStyle: { opacity: 0.12 } },
    { type: "line", data: ahead, symbol: "none", color: colour("leaf"), lineStyle: { type: "dashed" }, silent: true },
  ],
}));

function about(day, yuan) {
  return [day, `${names.left} ${money(yuan)}`].join("\n");
}
