// What every chart of the pages shares: the colours of the style sheet as they are now, and a canvas that is drawn anew
// when its window or the colour scheme changes.

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The colour of a token of duijie.css, as the scheme has it now. */
export function colour(token) {
  probe.style.color = `var(--${token})`;
  return getComputedStyle(probe).color;
}

/** What the page tells its script beside the drawing. */
export function told(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Draw what `option()` says into that element and show it; the function that is returned draws it again. */
export function draw(element, option) {
  element.hidden = false;
  const chart = window.echarts.init(element, null, { renderer: "canvas" });
  const again = () => {
    chart.setOption({ ...frame(), ...option() }, true);
  };
  again();
  window.addEventListener("resize", () => chart.resize());
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  return { chart, again };
}

/** A tooltip as text: markup would bring styles of its own. */
export function tooltip(more) {
  return {
    renderMode: "richText",
    confine: true,
    backgroundColor: colour("card"),
    borderColor: colour("line"),
    textStyle: { color: colour("ink") },
    ...more,
  };
}

/** An axis in the colours of the page. */
export function axis(more) {
  return {
    axisLine: { lineStyle: { color: colour("line") } },
    axisTick: { show: false },
    axisLabel: { color: colour("quiet"), hideOverlap: true },
    splitLine: { lineStyle: { color: colour("line") } },
    nameTextStyle: { color: colour("quiet") },
    ...more,
  };
}

export const kilograms = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });

const CNY = { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" };
const exact = new Intl.NumberFormat("en-US", CNY);
const whole = new Intl.NumberFormat("en-US", { ...CNY, maximumFractionDigits: 0 });

/** Yuan as the pages have them, to the fen: `¥1,234.50`. */
export const money = (yuan) => exact.format(yuan);

/** The same beside an axis, where most are round: `¥1,000`. */
export const roundMoney = (yuan) => (Number.isInteger(yuan) ? whole : exact).format(yuan);

function frame() {
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("ink") },
    grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
  };
}
