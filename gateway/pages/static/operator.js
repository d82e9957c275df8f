// What rounds are worth over greedy, drawn from what the page tells; and again whenever the page has refreshed itself.

import "./refresh.js";
import { axis, colour, draw, told, tooltip } from "./charting.js";

const element = document.getElementById("rounds-chart");
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const LEAST = 0.01; // a scale that ends below one percent makes much of nothing
const yuan = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

function option() {
  const { rounds, names } = told("rounds-data");
  return {
    title: { text: names.gain, left: 0, textStyle: { color: colour("ink"), fontSize: 14, fontWeight: 600 } },
    tooltip: tooltip({ trigger: "axis", formatter: ([{ dataIndex }]) => about(rounds[dataIndex], names) }),
    xAxis: axis({ type: "category", data: rounds.map((round) => round.name), splitLine: { show: false } }),
    yAxis: axis({ type: "value", max: ({ max }) => (max < LEAST ? LEAST : null), splitNumber: 2, axisLabel: { color: colour("quiet"), formatter: percent } }),
    series: [{ type: "bar", data: rounds.map((round) => round.gain), color: colour("leaf"), barMaxWidth: 24 }],
  };
}

function about(round, names) {
  const gain = round.gain === null ? "–" : percent(round.gain);
  const worth = [`${names.value} ${yuan.format(round.value)}`, `${names.greedy} ${yuan.format(round.greedy)}`];
  return [`${round.name} ${gain}`, ...worth].join("\n");
}

let drawn = null;

function show() {
  if (!window.echarts || told("rounds-data").rounds.length === 0) return;
  if (drawn) drawn.again();
  else drawn = draw(element, option);
}

show();
document.body.addEventListener("htmx:afterSwap", show);
if (window.htmx && document.querySelector("[hx-trigger]")) document.getElementById("refreshes").hidden = false;
