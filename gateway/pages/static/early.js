// What somebody typed, or the browser put back, before htmx listened is told to it when it does.

const isTouched = (field) => (field.type === "radio" ? field.checked && !field.defaultChecked : field.value !== field.defaultValue);

document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("input[hx-trigger=change]")) {
    if (isTouched(field)) field.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
