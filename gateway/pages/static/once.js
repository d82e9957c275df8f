// A form that is being sent is not sent again by a second tap. Its key makes that harmless; this spares the surprise.

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return; // a script of the page takes it
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent; // who comes back may send it anew
});
