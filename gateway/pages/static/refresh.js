// Parts of pages that ask for themselves anew (htmx): what must not happen by it.

const FIELDS = "input:not([type=hidden]), textarea";

/** Sent already (once.js): a form that is new would send it again, under another key. */
const isOnItsWay = (part) => part.querySelector("form[data-under-way]") !== null;
const isTypedInto = (part) => [...part.querySelectorAll(FIELDS)].some((field) => field === document.activeElement || field.value !== field.defaultValue);

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status !== 200) return;
  if (isTypedInto(detail.target) || isOnItsWay(detail.target)) {
    detail.shouldSwap = false; // what somebody is writing there stays; the next time asks again
  } else if (!detail.xhr.responseText.includes(`id="${detail.target.id}"`)) {
    detail.shouldSwap = false; // who is signed out by now gets the page of that, not a page without its middle
    window.location.reload();
  }
});
