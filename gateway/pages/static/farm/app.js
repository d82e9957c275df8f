// On every page of who sells: the service worker, sending what waits when there may be a signal, and leaving.
const queue = globalThis.duijieQueue;
const leave = document.getElementById("leave");
const account = leave.dataset.account;
const able = globalThis.isSecureContext && globalThis.indexedDB;

const mine = async () => (await queue.all()).filter((lot) => lot.account === account);

const keepPages = async () => {
  const registration = await navigator.serviceWorker.register("/sw.js");
  await navigator.serviceWorker.ready;
  registration.active?.postMessage({ reader: account, keep: ["/farm", "/farm/new"], language: document.documentElement.lang });
  if (registration.sync && (await mine()).length) await registration.sync.register(queue.TAG).catch(() => {});
};

// What waits is deleted once the sign-out has been answered: without a signal nothing would come of it but the loss.
const go = async () => {
  leave.querySelector(".go").disabled = true;
  const answer = await fetch("/sign-out", { method: "POST", redirect: "manual" }).catch(() => null);
  leave.querySelector(".go").disabled = false;
  leave.close();
  if (answer?.type !== "opaqueredirect") return document.getElementById("not-left").showModal();
  await Promise.allSettled([queue.forget(account), caches.delete("duijie-pages")]);
  location.assign("/");
};

const signOut = async (event) => {
  if (event.target.getAttribute("action") !== "/sign-out") return;
  event.preventDefault();
  const count = (await mine().catch(() => [])).length;
  if (!count) return go();
  leave.querySelector(".count").textContent = count;
  leave.showModal();
};

if (able) {
  document.addEventListener("submit", signOut);
  leave.querySelector(".stay").addEventListener("click", () => leave.close());
  leave.querySelector(".go").addEventListener("click", go);
  if (!document.getElementById("waiting")) {  // that page sends by itself, to show what came of it
    addEventListener("online", () => queue.send());
    queue.send();
  }
  if (navigator.serviceWorker) keepPages().catch(() => {});
}
