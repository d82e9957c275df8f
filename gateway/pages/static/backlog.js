// The backlog drawn: areas on a plain plane, and the last days. Without it the page has an SVG and tables of the same.

import { axis, colour, draw, kilograms, told, tooltip } from "./charting.js";

const TONES = { good: "leaf", soon: "sun", alarm: "alarm" };

function drawPlane(element) {
  const plane = told("plane-data");
  const { west, south, east, north, squeeze } = plane.frame;
  const bare = { type: "value", show: false, scale: true };
  const { chart } = draw(element, () => ({
    grid: fitted(element, (east - west) * squeeze, north - south),
    xAxis: { ...bare, min: west, max: east },
    yAxis: { ...bare, min: south, max: north },
    tooltip: tooltip({ trigger: "item" }),
    series: [
      {
        type: "scatter",
        silent: true,
        symbolSize: 0.1,
        data: plane.marks.map((mark) => ({ name: mark.name, value: mark.at })),
        label: { show: true, formatter: "{b}", color: colour("quiet"), fontSize: 11 },
        labelLayout: { hideOverlap: true },
        tooltip: { show: false },
      },
      {
        type: "scatter",
        data: plane.dots.map((dot) => ({
          name: dot.name,
          value: dot.at,
          symbolSize: 2 * Math.max(3, dot.r * Math.min(1, element.clientWidth / 700)),
          itemStyle: { color: colour(TONES[dot.tone]), opacity: 0.65, borderColor: colour("card"), borderWidth: 1 },
          dot,
        })),
        cursor: "pointer",
        emphasis: { itemStyle: { opacity: 0.9 } },
        tooltip: { formatter: ({ data }) => about(data.dot, plane.names) },
      },
    ],
  }));
  chart.on("click", ({ data }) => {
    if (data.dot) window.location.assign(data.dot.href);
  });
  document.getElementById("plane-drawn").remove();
}

/** Margins that keep a degree as long in one direction as in the other. */
function fitted(element, width, height) {
  const margin = 28;
  const [across, down] = [element.clientWidth - 2 * margin, element.clientHeight - 2 * margin];
  const scale = Math.min(across / width, down / height);
  const [aside, above] = [(across - width * scale) / 2 + margin, (down - height * scale) / 2 + margin];
  return { left: aside, right: aside, top: above, bottom: above };
}

function about(dot, names) {
  const lines = [`${names.risk} ${kilograms.format(dot.risk)} ${names.kg}`, `${names.open} ${kilograms.format(dot.open)} ${names.kg}`];
  return [dot.name, ...lines].join("\n");
}

function drawTrend(element) {
  const trend = told("trend-data");
  const line = (name, token) => ({
    type: "line",
    name: trend.names[name],
    data: trend[name],
    color: colour(token),
    symbolSize: 6,
    lineStyle: { width: 2 },
  });
  const bar = (name, token) => ({
    type: "bar",
    name: trend.names[name],
    data: trend[name],
    color: colour(token),
    barMaxWidth: 10,
    itemStyle: { opacity: 0.55 },
  });
  draw(element, () => ({
    legend: { top: 0, left: 0, textStyle: { color: colour("ink") }, itemGap: 16 },
    tooltip: tooltip({ trigger: "axis", valueFormatter: (kg) => (kg === null ? "–" : kilograms.format(kg)) }),
    xAxis: axis({ type: "category", data: trend.days.map((day) => day.slice(5)), splitLine: { show: false } }),
    yAxis: axis({ type: "value", axisLabel: { color: colour("quiet"), formatter: (kg) => kilograms.format(kg) } }),
    series: [line("open", "leaf"), line("risk", "alarm"), bar("sold", "quiet"), bar("spoiled", "sun")],
  }));
  document.getElementById("trend-table").open = false;
}

const plane = document.getElementById("plane-chart");
if (plane) drawPlane(plane);
const trend = document.getElementById("trend-chart");
if (trend) drawTrend(trend);
