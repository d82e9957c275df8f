// The driver's sheet: a button that prints it, where there is a script to press it for.

const button = document.querySelector("#print");
button.addEventListener("click", () => print());
button.hidden = false;
