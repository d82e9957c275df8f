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

const stream = new EventSource(card.dataset.stream);
const live = document.getElementById("live");
stream.addEventListener("lot", (event) => {
  const lot = JSON.parse(event.data);
  live.hidden = false;
  show(lot);
  if (["withdrawn", "expired"].includes(lot.status)) {
    stream.close();
    live.hidden = true;
  }
});
stream.addEventListener("error", () => {
  live.hidden = true;
});
setInterval(() => {
  if (spoilsAt !== null) keeps(Math.max(0, (spoilsAt - Date.now()) / 3600000));
}, 30000);
