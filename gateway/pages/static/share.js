// Copies a page's address, or hands it to whatever the phone shares with. Without it the address can be marked by hand.

const address = document.getElementById("address");
const copy = document.getElementById("copy");
const send = document.getElementById("send");
const said = document.getElementById("shared");
const { title } = document.querySelector(".share").dataset;

/** The clipboard is for pages that came safely, and may be refused; marked, the address can be copied all the same. */
async function isCopied() {
  try {
    await navigator.clipboard.writeText(address.value);
    return true;
  } catch {
    address.select();
    return document.execCommand("copy");
  }
}

async function copyIt() {
  said.textContent = "";
  said.textContent = (await isCopied()) ? copy.dataset.done : copy.dataset.failed;
}

async function handOn() {
  said.textContent = "";
  try {
    await navigator.share({ title, url: address.value });
  } catch (error) {
    if (!["AbortError", "InvalidStateError"].includes(error.name)) await copyIt(); // else somebody changed their mind, or tapped twice
  }
}

address.addEventListener("focus", () => address.select());
copy.hidden = false;
copy.addEventListener("click", copyIt);
if (navigator.share) {
  send.hidden = false;
  send.addEventListener("click", handOn);
}
