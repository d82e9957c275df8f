// What somebody typed, or the browser put back, before htmx listened is told to it when it does.

document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("input[hx-trigger=change]")) {
    if (field.value !== field.defaultValue) field.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
