// My lots: those that wait on this phone, and what became of sending them.
const queue = globalThis.duijieQueue;
const section = document.getElementById("waiting");
const list = document.getElementById("waiting-lots");
const nothingPosted = document.getElementById("nothing-posted");
const tryAgain = document.getElementById("try-now");
const others = document.getElementById("waiting-others");
const pattern = document.getElementById("waiting-lot").content;
const account = document.getElementById("leave").dataset.account;
const words = Object.fromEntries([...document.getElementById("waiting-words").content.querySelectorAll("[data-state]")].map((each) => [each.dataset.state, each.textContent]));
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
let states = {}, shownKeys = new Set();
const dropped = new Set();
const showsTheNewest = !new URLSearchParams(location.search).has("after");

const TO_SIGN_IN = ["sign-in", "other-account"];
const stateOf = (lot) => {
  if (dropped.has(lot.key)) return "sending";  // it is dropped as soon as it is not on its way
  if (lot.state === "refused" || lot.state === "photo-refused") return lot.state;
  return states[lot.key] in words ? states[lot.key] : "waiting";
};

/** Whether to try now may help: what is another's, or waits for a sign-in, stays where it is. */
const mayBeSent = (lot) => ["waiting", "photo"].includes(lot.state) && !TO_SIGN_IN.includes(stateOf(lot));

const drop = async ({ key }) => {
  dropped.add(key);
  await show();
  if (!(await queue.drop(key))) dropped.delete(key);  // it has arrived meanwhile
  await show();
};

const shown = (lot) => {
  const item = pattern.cloneNode(true).firstElementChild;
  const { produce, quantity, price } = lot.fields;
  item.dataset.key = lot.key;
  item.querySelector(".what").textContent = lot.fields.produce_choice || produce;
  item.querySelector(".state").textContent = words[stateOf(lot)];
  item.querySelector(".how-much").textContent = `${quantity} ${words.kg} · ${price} ${words["per-kg"]}`;
  item.querySelector(".when").textContent = clock.format(lot.filled_ms).replaceAll("/", "-");
  const fault = item.querySelector(".fault");
  fault.textContent = [...Object.values(lot.faults || {}), lot.problem].filter(Boolean)[0] || "";
  fault.hidden = !fault.textContent;
  const mend = item.querySelector(".mend"), see = item.querySelector(".see");
  mend.hidden = lot.state !== "refused";
  mend.href = `/farm/new?mend=${lot.key}`;
  see.hidden = !lot.listing_id;
  see.href = `/farm/listings/${lot.listing_id}`;
  item.querySelector(".enter").hidden = !TO_SIGN_IN.includes(stateOf(lot));
  item.querySelector(".drop").disabled = dropped.has(lot.key);
  item.querySelector(".drop").onclick = () => drop(lot);
  return item;
};

// This page may have been made before a lot arrived, which another tab or the service worker sent meanwhile. Each such lot
// asks for the page anew once in a tab: where it isn't there even then, the page was kept from before, or is full.
const isMissing = ({ key, account: whose, listing_id }) =>
  whose === account && !document.querySelector(`a.lot[href^="/farm/listings/${listing_id}"]`) && !sessionStorage.getItem(`duijie-asked-${key}`);

const lacksOne = async () => {
  if (!showsTheNewest || !navigator.onLine) return false;
  const missing = (await queue.arrived()).filter(isMissing);
  for (const { key } of missing) sessionStorage.setItem(`duijie-asked-${key}`, "yes");
  return missing.length > 0;
};

const render = async () => {
  const lots = (await queue.all()).sort((one, other) => one.filled_ms - other.filled_ms);
  const mine = lots.filter((lot) => lot.account === account), keys = new Set(mine.map((lot) => lot.key));
  const isSent = (key) => !keys.has(key) && !dropped.has(key);
  if ([...shownKeys].some(isSent) || (await lacksOne())) return location.reload();  // it stands among the lots now
  shownKeys = keys;
  list.replaceChildren(...mine.map(shown));
  others.hidden = mine.length === lots.length;
  others.querySelector("b").textContent = lots.length - mine.length;
  tryAgain.hidden = !mine.some(mayBeSent);
  section.hidden = !lots.length;
  if (nothingPosted) nothingPosted.hidden = mine.length > 0;
};

// One after the other: what was read sooner must not be shown later.
let showing = Promise.resolve();
const show = () => { showing = showing.then(render, render); return showing; };

const tryNow = async () => {
  ({ states } = await queue.send());
  await show();
};

if (globalThis.isSecureContext && globalThis.indexedDB) {
  tryAgain.addEventListener("click", tryNow);
  new BroadcastChannel(queue.NAME).onmessage = show;
  addEventListener("online", tryNow);
  if (!navigator.onLine) document.getElementById("last-seen").hidden = false;  // else the service worker knows
  addEventListener("offline", () => { document.getElementById("last-seen").hidden = false; });
  await show();
  if (navigator.onLine) await tryNow();
}
