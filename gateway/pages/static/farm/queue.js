// The queue of lots that were filled in on this phone and are not known to have arrived. No page, no words: the pages
// and the service worker (importScripts) use it alike.
//
// A lot is {key, account, state, fields, photo, filled_ms, filled_at, tried_at, listing_id, faults, choices, problem}. Its key goes along
// with every try, so a try whose answer was lost is repeated, and the service answers with what the first one made.
// States: waiting → (sent) → photo → gone; `refused` and `photo-refused` wait for a person. What has arrived is noted for a
// day in a database of its own: a page that was asked for before and shown after does not have it yet.
//
// What came of a try: "sent"; "refused", for good; "sign-in", "other-account", "no-signal" or "busy", to be tried again;
// "gone", where there is nothing to send any more.
"use strict";
globalThis.duijieQueue = (() => {
  const NAME = "duijie-farm", ARRIVED = "duijie-farm-arrived", LOTS = "lots", LOCK = "duijie-queue", TAG = "duijie-queue";
  const BUSY = new Set([408, 425, 429]);
  const BY_PROBLEM = { "/problems/still-running": "busy", "/problems/filled-by-another-account": "other-account" };
  const BY_ITSELF = ["no-signal", "busy"];
  const GRAVEST_FIRST = ["sign-in", ...BY_ITSELF, "other-account", "refused", "sent"];
  const DAY_MS = 86400000;
  const PATIENCE_MS = 120000;  // a photo over a bad line takes a minute; what hangs for ever would keep its lock

  const open = (name) => new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(LOTS, { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

  // One transaction, on the disk before it is said to be done: a phone may be switched off at any moment.
  const within = async (mode, work, name = NAME) => {
    const db = await open(name);
    try {
      return await new Promise((resolve, reject) => {
        const transaction = db.transaction(LOTS, mode, { durability: "strict" });
        const asked = work(transaction.objectStore(LOTS));
        transaction.oncomplete = () => resolve(asked.result);
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      db.close();
    }
  };

  const tell = () => { if (globalThis.BroadcastChannel) { const said = new BroadcastChannel(NAME); said.postMessage("changed"); said.close(); } };
  const all = () => within("readonly", (lots) => lots.getAll());
  const get = (key) => within("readonly", (lots) => lots.get(key));
  const put = async (lot) => { await within("readwrite", (lots) => lots.put(lot)); tell(); };
  const remove = async (key) => { await within("readwrite", (lots) => lots.delete(key)); tell(); };

  // The lot as it is now, changed; undefined where it is gone meanwhile, for what somebody dropped must not come back.
  const change = async (key, changes) => {
    const changed = await within("readwrite", (lots) => {
      const found = { result: undefined };
      lots.get(key).onsuccess = ({ target }) => { if (target.result) lots.put(found.result = { ...target.result, ...changes }); };
      return found;
    });
    tell();
    return changed;
  };

  // One tab, or the service worker, at a time has a lot in its hands.
  const alone = (key, work) => (globalThis.navigator?.locks ? navigator.locks.request(`${LOCK}-${key}`, work) : work());

  // Whether it was there to be dropped: what is on its way arrives first, and then is no more ours to drop.
  const drop = (key) => alone(key, async () => { const lot = await get(key); await remove(key); return lot !== undefined; });

  // {key, account, listing_id, arrived_ms}
  const arrived = () => within("readonly", (lots) => lots.getAll(), ARRIVED);
  const forgetArrived = async (isGone) => {
    for (const lot of await arrived()) if (isGone(lot)) await within("readwrite", (lots) => lots.delete(lot.key), ARRIVED);
  };
  const note = async ({ key, account, listing_id }) => {
    await forgetArrived((lot) => lot.arrived_ms < Date.now() - DAY_MS);
    await within("readwrite", (lots) => lots.put({ key, account, listing_id, arrived_ms: Date.now() }), ARRIVED);
  };

  // Noted first, for a tab may be closed between the two: then it is sent once more, and answered the same.
  const arrive = async (lot) => { await note(lot); await remove(lot.key); };

  // Of somebody who has left: without waiting for what is on its way, which finds nothing here to write to.
  const forget = async (account) => {
    for (const lot of await all()) if (lot.account === account) await remove(lot.key);
    await forgetArrived((lot) => lot.account === account);
  };

  const form = (entries) => {
    const filled = new FormData();
    for (const [name, value] of Object.entries(entries)) if (value !== undefined && value !== "") filled.append(name, value);
    return filled;
  };

  // {status, body}; status 0 is no answer, whether or not the request arrived. Old phones have no AbortSignal.timeout.
  const ask = async (path, body) => {
    const cut = new AbortController(), clock = setTimeout(() => cut.abort(), PATIENCE_MS);
    try {
      const answer = await fetch(path, { method: body ? "POST" : "GET", body, redirect: "manual", credentials: "same-origin", cache: "no-store", signal: cut.signal, headers: { Accept: "application/json" } });
      return { status: answer.status, body: await answer.json().catch(() => ({})) };
    } catch {
      return { status: 0, body: {} };
    } finally {
      clearTimeout(clock);
    }
  };

  // Why an answer is none yet; undefined where it is refused for good. What says neither yes nor no is not from us: the
  // page of a hotel's network, say.
  const delay = ({ status, body }) => {
    if (status === 401) return "sign-in";
    if (status < 400) return "no-signal";
    return status >= 500 || BUSY.has(status) ? "busy" : BY_PROBLEM[body.type];
  };

  // When it was filled in, by the server's clock: this phone's may be wrong, and only how long ago it was is taken from
  // it. Settled before the first try and never again, for every try must be the same request.
  const settle = async (lot, now) => {
    if (lot.filled_at) return lot;
    const ago_ms = Math.max(0, Date.now() - lot.filled_ms);
    return change(lot.key, { filled_at: new Date(Date.parse(now) - ago_ms).toISOString(), tried_at: now });
  };

  const refusal = (answer) => ({ faults: answer.body.faults || {}, choices: answer.body.choices || {}, problem: answer.body.detail || answer.body.title || "" });

  const sendLot = async (lot) => {
    const { fields, key, account, filled_at, tried_at } = lot;
    const answer = await ask("/farm/queue", form({ ...fields, key, account, filled_at, tried_at }));
    const listing_id = answer.body.id;
    if (answer.status === 201 && lot.photo) {
      const sent = await change(key, { state: "photo", listing_id });
      return sent ? sendPhoto(sent) : { state: "gone" };
    }
    if (answer.status === 201) { await arrive({ ...lot, listing_id }); return { state: "sent", id: listing_id }; }
    const state = delay(answer);
    if (state) return { state };
    await change(key, { state: "refused", ...refusal(answer) });
    return { state: "refused" };
  };

  const sendPhoto = async (lot) => {
    const { key, account, tried_at, listing_id, photo } = lot;
    const answer = await ask(`/farm/queue/${listing_id}/photos`, form({ key: `${key}-photo`, account, tried_at, photo }));
    const state = answer.status === 201 ? undefined : delay(answer);
    if (state) return { state };
    if (answer.status === 201) await arrive(lot);
    else { await note(lot); await change(key, { state: "photo-refused", ...refusal(answer) }); }
    return { state: "sent", id: listing_id };
  };

  const waits = (lot) => lot?.state === "waiting" || lot?.state === "photo";

  // Read again, for since the list was made somebody may have dropped or mended it, or another tab sent it.
  const sendOne = (key, who) => alone(key, async () => {
    const lot = await get(key);
    if (!waits(lot)) return { state: "gone" };
    if (lot.account !== who.account) return { state: "other-account" };
    if (lot.state === "photo") return sendPhoto(lot);
    const settled = await settle(lot, who.now);
    return settled ? sendLot(settled) : { state: "gone" };
  });

  const whyNobody = (who) => {
    if (who.status !== 200 || who.body.account === undefined) return delay(who) || "busy";
    return who.body.account ? "" : "sign-in";
  };

  // Send whatever waits. {states, sent: by the lot's key; state: the gravest; isLater: whether to try again by itself}
  const send = async () => {
    const outcome = { state: "none", states: {}, sent: {}, isLater: false };
    const waiting = (await all()).filter(waits).sort((one, other) => one.filled_ms - other.filled_ms);
    if (!waiting.length) return outcome;
    const who = await ask("/farm/queue");
    let nobody = whyNobody(who);
    for (const { key } of waiting) {
      const { state, id } = nobody ? { state: nobody } : await sendOne(key, who.body);
      if (state === "sign-in") nobody = state;
      outcome.states[key] = state;
      if (id) outcome.sent[key] = id;
    }
    const came = Object.values(outcome.states);
    outcome.state = GRAVEST_FIRST.find((state) => came.includes(state)) || "none";
    outcome.isLater = came.some((state) => BY_ITSELF.includes(state));
    return outcome;
  };

  return { NAME, TAG, all, get, put, drop, arrived, forget, send };
})();
