// Everything on the site works without this file; with it, a click copies a hash or a command.
"use strict";

for (const button of document.querySelectorAll("button.copy")) {
  const label = button.firstChild;
  const before = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = document.body.dataset.copied;
      button.classList.add("done");
    } catch {
      const code = button.parentElement.querySelector("code");
      if (code) getSelection().selectAllChildren(code);
      label.textContent = document.body.dataset.selected;
    }
    setTimeout(() => {
      label.textContent = before;
      button.classList.remove("done");
    }, 1600);
  });
}

// "/" puts the cursor into the search field, as on most sites where one searches.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const field = document.querySelector('input[type="search"]');
  if (event.key === "/" && !typing && field && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
  }
});
