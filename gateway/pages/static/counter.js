// The live counter of a lot: follows its stream and puts what changed where the page has it. Without it the page says
// what was true when it was made.

const card = document.querySelector("[data-stream]");
const words = JSON.parse(document.getElementById("keeps-words").textContent);
const kg = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });

const filled = (text, told) => text.replace(/{(\w+)}/g, (blank, name) => told[name] ?? blank);

/** As the page says it (gateway/pages/shown.py, for_long). */
function forLong(hours) {
  if (hours <= 0) return words.over;
  if (hours < 48) return filled(words.hours, { hours: hours < 10 ? Number(hours.toFixed(1)) : Math.floor(hours) });
  const whole = Math.round(hours);
  const days = Math.floor(whole / 24), rest = days < 10 ? whole % 24 : 0;
  return filled(rest ? words.days_hours : words.days, { days, hours: rest });
}

function keeps(hours) {
  const badge = document.querySelector("#keeps .badge");
  const urgent = hours <= words.turns_h.urgent;
  badge.className = `badge ${urgent ? "alarm" : hours <= words.turns_h.soon ? "soon" : "good"}`;
  badge.textContent = hours > 0 ? `${urgent ? `${words.urgent} · ` : ""}${words.keeps} ${forLong(hours)}` : words.over;
}

const AGAIN_MS = 60000, REFUSALS_MAX = 6; // each wait is twice the last: an hour in all
let spoilsAt = null;

function show(lot) {
  document.getElementById("remaining").textContent = kg.format(lot.remaining_kg);
  document.getElementById("sold").textContent = kg.format(lot.sold_kg);
  document.getElementById("meter").value = lot.sold_kg;
  document.getElementById("sold_out").hidden = lot.remaining_kg > 0;
  document.getElementById("closed").hidden = !["withdrawn", "expired"].includes(lot.status);
  spoilsAt = Date.now() + lot.hours_left * 3600000; // by the clock of the house, not the phone's
  keeps(lot.hours_left);
}

const live = document.getElementById("live");
let stream = null, isOver = false, again = null, refusals = 0;

function part() {
  stream?.close();
  stream = null;
  live.hidden = true;
}

/** The board has open lots alone: who was away when it was closed hears nothing more of it. */
const isClosed = async () => (await fetch(card.dataset.stream.replace(/\/stream$/, "")).catch(() => null))?.status === 404;

/** Refused, as where too many follow: that passes, but who looks at a page for hours doesn't ask for hours. */
async function refused() {
  part();
  if (await isClosed()) {
    isOver = true;
    part();
    document.getElementById("closed").hidden = false;
  } else if (refusals < REFUSALS_MAX) {
    again = setTimeout(follow, AGAIN_MS * 2 ** refusals++);
  }
}

function follow() {
  clearTimeout(again);
  if (stream || isOver) return;
  stream = new EventSource(card.dataset.stream);
  stream.addEventListener("lot", (event) => {
    const lot = JSON.parse(event.data);
    live.hidden = false;
    refusals = 0;
    show(lot);
    isOver = ["withdrawn", "expired"].includes(lot.status);
    if (isOver) part();
  });
  stream.addEventListener("error", ({ target }) => {
    live.hidden = true;
    if (target === stream && target.readyState === EventSource.CLOSED) refused(); // else it connects again by itself
  });
}

follow();
window.addEventListener("pagehide", part);
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  refusals = 0;
  follow(); // who comes back by the browser's button finds the page as they left it
});
setInterval(() => {
  if (spoilsAt !== null) keeps(Math.max(0, (spoilsAt - Date.now()) / 3600000));
}, 30000);
