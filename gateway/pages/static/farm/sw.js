// The service worker: the shell of a farmer's two pages, for when there is no signal. What stands before this line names
// the files and their version (gateway/pages/farm/offline.py).
"use strict";
importScripts(TOLD.queue);

const FILES = `duijie-files-${TOLD.version}`, PAGES = "duijie-pages";
const SHELL = ["/farm", "/farm/new"], NO_SIGNAL = "/farm/no-signal", READER = "/duijie-reader";
const PATIENCE_MS = 8000, SETTLED_MS = 2000;
const COVERS_MAX = 60;
const COVER = /^\/farm\/listings\/[^/]+\/photos\/[^/?]+\?size=thumbnail$/;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((cache) => cache.addAll(TOLD.files)).then(() => self.skipWaiting()));
});

const addressOf = ({ pathname, search }) => pathname + search;

// A page is kept as its reader saw it last, under its path alone. What led elsewhere, such as to signing in, is not it.
// `cache` was opened before the page was asked for: where the pages are forgotten meanwhile, this one goes with them.
const keep = async (cache, path, answer) => {
  if (answer.type === "opaqueredirect") return caches.delete(PAGES);  // who read them is signed in no more
  if (!answer.ok || answer.redirected || answer.type !== "basic") return;
  await cache.put(path, answer);
  if (!COVER.test(path)) return;
  const covers = (await cache.keys()).filter(({ url }) => COVER.test(addressOf(new URL(url))));
  await Promise.all(covers.slice(0, -COVERS_MAX).map((each) => cache.delete(each)));
};
const kept = async (path) => (await caches.open(PAGES)).match(path, { ignoreVary: true });

// A kept page says that it is one.
const shown = async (path) => {
  const page = await kept(path);
  if (!page || COVER.test(path)) return page;
  const html = (await page.text()).replace(/(<[^>]* id="last-seen"[^>]*?) hidden/, "$1");
  const headers = new Headers(page.headers);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);  // of what travelled
  return new Response(html, { headers });
};

// A kept page names the scripts of its day, so a new version asks for it anew; the old files stay where that fails.
const again = async (path) => {
  if (!(await kept(path))) return;
  const cache = await caches.open(PAGES), cut = new AbortController();
  const clock = setTimeout(() => cut.abort(), PATIENCE_MS);
  const answer = await fetch(path, { credentials: "same-origin", signal: cut.signal }).finally(() => clearTimeout(clock));
  if (answer.redirected) await caches.delete(PAGES);
  else if (answer.ok) await keep(cache, path, answer);
  else throw new Error(`${path}: ${answer.status}`);
};

const clean = async () => {
  const asked = await Promise.allSettled(SHELL.map(again));
  const old = (await caches.keys()).filter((name) => name.startsWith("duijie-files-") && name !== FILES);
  if (asked.every(({ status }) => status === "fulfilled")) await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
};
self.addEventListener("activate", (event) => event.waitUntil(clean()));

// The network first; what was kept when it does not answer, or not soon, or only that it can't.
const soonest = async (event, path) => {
  const cache = caches.open(PAGES), asked = fetch(event.request);
  const keeping = asked.then((answer) => { const copy = answer.clone(); return cache.then((open) => keep(open, path, copy)); });
  event.waitUntil(keeping.catch(() => {}));  // at once: by the time that an answer is late, this event may be over
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const first = await Promise.race([asked.catch(() => undefined), late]);
  if (first && first.status < 500) return first;
  return (await shown(path)) || first || asked;
};

// Other pages can't be shown without a signal. From those of the farm their reader is led to what can; in the place of
// any other stands a page that says so, and at whose address one tries again.
const orElse = async (event, otherwise) => {
  try {
    return await fetch(event.request);
  } catch (error) {
    const instead = await otherwise();
    if (instead) return instead;
    throw error;
  }
};
const myLots = async () => (await kept("/farm")) && Response.redirect("/farm");
const noSignal = () => kept(NO_SIGNAL);

const file = async (request) => (await (await caches.open(FILES)).match(request)) || (await caches.match(request)) || fetch(request);

// What is kept is one reader's. Sessions end in many ways, and most pages have no script to tell of it: so whenever
// somebody goes anywhere else, the gateway is asked who it is, after the page itself, whose answer may renew the session.
const mustBe = async (reader) => {
  const whose = await caches.match(READER);
  if ((await whose?.text()) !== reader) await caches.delete(PAGES);
};
const lookWho = async () => {
  if (!(await caches.match(READER))) return;
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const answer = await fetch("/farm/queue", { credentials: "same-origin", cache: "no-store" });
  if (answer.ok) await mustBe((await answer.json()).account);
};

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url), { origin, pathname, searchParams } = url;
  if (origin !== self.location.origin) return;
  if (request.mode === "navigate" && !pathname.startsWith("/farm")) event.waitUntil(lookWho().catch(() => {}));
  if (request.method === "POST") {
    // whoever comes next must not see what this reader saw; farm/app.js signs out by a script, which waits for the answer
    if (request.mode === "navigate" && (pathname === "/sign-out" || pathname.startsWith("/sign-in"))) event.waitUntil(caches.delete(PAGES));
    return;
  }
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && SHELL.includes(pathname) && !searchParams.has("after")) event.respondWith(soonest(event, pathname));
  else if (request.mode === "navigate" && (pathname === "/farm" || pathname.startsWith("/farm/"))) event.respondWith(orElse(event, myLots));
  else if (request.mode === "navigate") event.respondWith(orElse(event, noSignal));
  else if (COVER.test(addressOf(url))) event.respondWith(soonest(event, addressOf(url)));
  else if (pathname.startsWith("/static/") || pathname === "/farm/places.json") event.respondWith(file(request));
});

// Pages that were never opened under this worker are fetched for it, once in a language.
const keepAll = async (reader, paths, language) => {
  const cache = await caches.open(PAGES);
  await cache.put(READER, new Response(reader));
  for (const path of paths) {
    const page = await kept(path);
    if (page && (page.headers.get("Content-Language") || language) === language) continue;
    await keep(cache, path, await fetch(path, { credentials: "same-origin" }));
  }
};
const told = async ({ reader, keep: paths, language }) => {
  await mustBe(reader);
  await Promise.all([self.clients.claim(), keepAll(reader, [...paths, NO_SIGNAL], language)]);
};
self.addEventListener("message", (event) => { if (event.data) event.waitUntil(told(event.data).catch(() => {})); });

// Background Sync, where there is one: the signal is back and no page may be open. Thrown: the browser tries again.
const sendWaiting = async () => { if ((await duijieQueue.send()).isLater) throw new Error("later"); };
self.addEventListener("sync", (event) => { if (event.tag === duijieQueue.TAG) event.waitUntil(sendWaiting()); });
