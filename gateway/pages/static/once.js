// A form that is being sent is not sent again by a second tap. Where it has a key, that makes the second harmless; of a
// code that is spent by the first, only this keeps the answer from being lost for the second's. One that may be tried again
// may have arrived all the same: it stays marked as under way, so that nothing puts another key in its place (refresh.js).

const STOPPED_MS = 10000; // nothing tells of a load that somebody stopped: by then they may try again

document.addEventListener("submit", (event) => {
  const { target: form, defaultPrevented } = event;
  if (defaultPrevented || form.method === "dialog") return; // a script of the page takes it, or nothing is sent
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = form.dataset.underWay = "yes";
  setTimeout(() => delete form.dataset.sent, STOPPED_MS);
});
window.addEventListener("pageshow", () => {
  for (const { dataset } of document.forms) {
    delete dataset.sent; // who comes back may send it anew
    delete dataset.underWay;
  }
});
