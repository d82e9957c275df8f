// The form of a new lot: what the catalogue and the market know of the produce, the nearest county, a small photo, and
// posting by way of the phone's queue, so that no signal, or an answer lost on the way, loses or doubles nothing.
const queue = globalThis.duijieQueue;
const form = document.getElementById("lot");
const field = (name) => form.elements[name];
const account = field("account").value;
const SOON_MS = 3000;
const PHOTO_PX = 1600, NEAR = 8, KM = 111.2;
let photo = null, key = null;

// What the catalogue and the market know

const kindNow = () => {
  const typed = field("produce").value.trim().toLowerCase();
  return [...document.querySelectorAll("#kinds option")].find((each) => [each.value, each.label].some((name) => name.toLowerCase() === typed));
};

const aboutOf = (input) => (input.getAttribute("aria-describedby") || "").split(" ").filter(Boolean);
const tell = (input, about) => {
  if (about.length) input.setAttribute("aria-describedby", about.join(" "));
  else input.removeAttribute("aria-describedby");
};

// Whether the going price is told is told of the field's description, too: what is hidden would be read out all the same.
const tellOfPrice = (isKnown) => {
  document.getElementById("going").hidden = !isKnown;
  const about = aboutOf(field("price")).filter((id) => id !== "going");
  tell(field("price"), isKnown ? [...about, "going"] : about);
};

const tellOfKind = () => {
  const kind = kindNow(), going = document.getElementById("going"), life = document.getElementById("life");
  tellOfPrice(Boolean(kind?.dataset.price));
  if (kind?.dataset.price) {
    going.querySelector(".price").textContent = kind.dataset.price;
    going.querySelector(".range").textContent = `${kind.dataset.lower}–${kind.dataset.upper}`;
  }
  life.hidden = !kind;
  life.textContent = "";
  if (!kind) return;
  const kept = field("temperature_class").value || kind.dataset.class, days = Number(kind.dataset[kept]);
  const from = field("harvested").value ? new Date(`${field("harvested").value}+08:00`) : new Date();
  const until = new Date(from.getTime() + days * 86400000);
  const said = life.dataset;
  const date = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: "Asia/Shanghai", month: "short", day: "numeric" });
  const about = [`${said.about} ${days} ${said.days}`, said[kept], `${said.until} ${date.format(until)}`];
  life.textContent = days ? about.join(said.comma) : said.unknown;
};

for (const name of ["produce", "harvested", "temperature_class"]) field(name).addEventListener("input", tellOfKind);
tellOfKind();

// What the last lot was stands there already: one taps and types another
for (const name of ["produce", "place"]) field(name).addEventListener("focus", ({ target }) => target.select());

// Where: the phone has every county's name and seat, so nothing of its position is sent

let counties = null;
const allCounties = async () => { counties ??= await (await fetch(form.dataset.places)).json(); return counties; };

const suggest = async () => {
  const all = await allCounties(), typed = field("place").value.trim();  // as it is by then
  const found = typed ? all.filter(([whole, , , , code]) => whole.includes(typed) || code === typed).slice(0, NEAR) : [];
  document.getElementById("places").replaceChildren(...found.map(([whole]) => Object.assign(document.createElement("option"), { value: whole })));
};

const away_km = (at, lon, lat) => Math.hypot((lon - at.longitude) * Math.cos((at.latitude * Math.PI) / 180), lat - at.latitude) * KM;

const here = document.getElementById("here");
const findHere = () => {
  const said = here.querySelector("small");
  said.textContent = said.dataset.finding;
  const failed = () => { said.textContent = said.dataset.failed; };
  const before = field("place").value;
  const found = async ({ coords }) => {
    const known = (await allCounties()).filter(([, , lon]) => lon !== null);
    const nearest = known.reduce((best, each) => (away_km(coords, each[2], each[3]) < away_km(coords, best[2], best[3]) ? each : best));
    said.textContent = said.dataset.about;
    if (field("place").value !== before) return;  // it was typed meanwhile
    field("place").value = nearest[0];
    clearFault(field("place"));
  };
  navigator.geolocation.getCurrentPosition((at) => found(at).catch(failed), failed, { timeout: 15000, maximumAge: 600000 });
};

field("place").addEventListener("input", () => suggest().catch(() => {}));
if (navigator.geolocation && globalThis.isSecureContext) {
  here.hidden = false;
  here.querySelector("button").addEventListener("click", findHere);
}

// The photo, made small before it is kept: a phone's own is ten times as large as what is shown of it

const smaller = async (file) => {
  const drawn = await createImageBitmap(file), scale = Math.min(1, PHOTO_PX / Math.max(drawn.width, drawn.height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(drawn.width * scale), height: Math.round(drawn.height * scale) });
  canvas.getContext("2d").drawImage(drawn, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
};

const preview = async () => {
  const shown = document.getElementById("preview"), of = photo;
  shown.hidden = !of;
  if (!of) return;
  const drawn = await createImageBitmap(of).catch(() => null);
  if (photo !== of) return;  // another was taken while this one was decoded
  shown.hidden = !drawn;
  if (!drawn) return;
  shown.height = Math.round((shown.width * drawn.height) / drawn.width);
  shown.getContext("2d").drawImage(drawn, 0, 0, shown.width, shown.height);
};

const takePhoto = async () => {
  const file = field("photo").files[0];
  const made = file ? await smaller(file).catch(() => file) : null;
  if (field("photo").files[0] !== file) return;  // another was chosen while this one was made small
  photo = made;
  await preview();
};
let taking = takePhoto(); // one may have been chosen before this script came
field("photo").addEventListener("change", () => { taking = takePhoto(); });

// Posting

const typedNow = () => {
  const told = ["key", "account", "filled_at", "photo"];
  return Object.fromEntries([...new FormData(form)].filter(([name, value]) => !told.includes(name) && typeof value === "string" && value !== ""));
};

// What was wrong with a field goes, and nothing names what is not there any more.
const clearFault = (input) => {
  input.removeAttribute("aria-invalid");
  for (const each of input.closest(".field")?.querySelectorAll(".fault, .meant") || []) each.remove();
  tell(input, aboutOf(input).filter((id) => !id.endsWith("-fault")));
};

// What may have been meant, to be taken with one tap.
const offer = (input, holder, meant) => {
  const row = Object.assign(document.createElement("p"), { className: "row meant" });
  row.append(...meant.map((value) => {
    const choice = Object.assign(document.createElement("button"), { type: "button", textContent: value });
    choice.onclick = () => { input.value = value; clearFault(input); tellOfKind(); };
    return choice;
  }));
  holder.append(row);
};

// What of the form bears a fault: of several buttons of a name, all of them together.
const bearer = (name) => {
  const found = field(name), one = found instanceof RadioNodeList ? found[0].closest("fieldset") : found;
  return one?.closest?.(".field") ? one : null;
};

const showFaults = ({ faults, choices, problem }) => {
  for (const each of form.querySelectorAll("[aria-invalid]")) clearFault(each);
  form.hidden = false;
  document.getElementById("kept").hidden = true;
  const box = document.getElementById("refused"), named = Object.entries(faults || {});
  const nowhere = named.filter(([name]) => !bearer(name)).map(([, text]) => text);
  box.textContent = [...nowhere, named.length > nowhere.length ? form.dataset.faults : "", named.length ? "" : problem].filter(Boolean).join(" ");
  box.hidden = false;
  for (const [name, text] of named) {
    const input = bearer(name), holder = input?.closest(".field");
    if (!holder) continue;
    input.setAttribute("aria-invalid", "true");
    holder.append(Object.assign(document.createElement("p"), { className: "fault", id: `${name}-fault`, textContent: text }));
    if (choices?.[name]) offer(input, holder, choices[name]);
    holder.closest("details")?.setAttribute("open", "");
    tell(input, [...aboutOf(input), `${name}-fault`]);
  }
  const first = form.querySelector("[aria-invalid]");
  (first || box).scrollIntoView({ block: "center" });
  (first?.querySelector("input") || first)?.focus();
};

// Says that it is on the phone, and why it is not sent yet.
const kept = (state) => {
  const note = document.getElementById("kept"), isNew = note.hidden;
  const told = [...note.querySelectorAll("[data-state]")], why = told.find((each) => each.dataset.state === state) || told[0];
  for (const each of told) each.hidden = each !== why;
  form.hidden = true;
  document.getElementById("refused").hidden = true;
  note.hidden = false;
  if (isNew) note.focus();
};

// A browser may delete what it keeps when the phone is full, unless it promises not to: asked for once, for some ask their
// reader in turn.
const ASKED = "duijie-asked-to-keep";
const askToKeep = async () => {
  const asks = localStorage.getItem(ASKED) ? "persisted" : "persist";
  localStorage.setItem(ASKED, "yes");
  document.getElementById("kept-unsafe").hidden = await navigator.storage[asks]();
};

// The service worker, or another tab, may send it while its note is shown.
const isNoted = () => !document.getElementById("kept").hidden && key !== null;
const follow = async () => {
  if (!isNoted()) return;
  const isSent = !(await queue.get(key));
  document.getElementById("kept-waits").hidden = isSent;
  document.getElementById("kept-sent").hidden = !isSent;
};

// Who comes back by the browser's button finds no note of what was sent long ago, whoever sent it.
const comeBack = async () => {
  if (form.hidden && !(key && (await queue.get(key)))) location.reload();
};

const goOn = async (outcome) => {
  const lot = await queue.get(key);
  if (lot?.state === "refused") return showFaults(lot);
  // the service worker, or another tab, may have been sooner to send it
  const id = outcome.sent[key] || lot?.listing_id || (await queue.arrived()).find((each) => each.key === key)?.listing_id;
  const photoRefused = lot?.state === "photo-refused";
  if (photoRefused) await queue.drop(key);  // the lot's page says so, and takes another
  if (!id && lot) return kept(outcome.states[key]);
  key = null;  // who comes back here posts another lot
  location.assign(id ? `/farm/listings/${id}?${photoRefused ? "photo=refused" : "done=posted"}` : "/farm");
};

// Over a bad line it takes a while: it is safe on the phone meanwhile, and nobody has to wait for it.
const sendSoon = async () => {
  const sending = queue.send(), clock = setTimeout(() => kept("sending"), SOON_MS);
  const outcome = await sending.finally(() => clearTimeout(clock));
  await goOn(outcome);
};

const post = async (event) => {
  event.preventDefault();
  const button = form.querySelector("button.primary");
  if (button.disabled) return;
  button.disabled = true;
  try {
    await taking;
    key ??= crypto.randomUUID();
    const lot = { key, account, state: "waiting", fields: typedNow(), photo, filled_ms: Date.now() };
    try { await queue.put(lot); } catch { return form.submit(); }  // a phone that keeps nothing posts as any form
    askToKeep().catch(() => {});
    const sync = await navigator.serviceWorker?.getRegistration().catch(() => null);
    sync?.sync?.register(queue.TAG).catch(() => {});
    await sendSoon();
  } finally {
    button.disabled = false;
  }
};

const mend = async () => {
  const asked = new URLSearchParams(location.search).get("mend"), lot = asked && (await queue.get(asked));
  if (!lot || lot.account !== account || lot.state !== "refused") return;
  key = lot.key;
  photo = lot.photo;
  for (const [name, value] of Object.entries(lot.fields)) {
    const input = field(name);
    if (input instanceof RadioNodeList || input?.type !== "checkbox") { if (input) input.value = value; } else input.checked = true;
  }
  tellOfKind();
  await preview();
  showFaults(lot);
};

if (globalThis.isSecureContext && globalThis.indexedDB) {
  form.addEventListener("submit", post);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) comeBack().catch(() => {}); });
  addEventListener("online", async () => { if (isNoted()) await goOn(await queue.send()); });
  new BroadcastChannel(queue.NAME).onmessage = follow;
  await mend();
}
