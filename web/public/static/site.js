// Everything on the site works without this file; with it, a click copies a hash or a command.
"use strict";

function reveal(part) {
  for (const button of part.querySelectorAll("button.copy")) button.hidden = false;
}

async function copy(button) {
  const label = button.firstChild;
  button.dataset.before ??= label.textContent;
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
    label.textContent = button.dataset.before;
    button.classList.remove("done");
  }, 1600);
}

reveal(document);
document.addEventListener("mingjing:content", (event) => reveal(event.detail));
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copy(button);
});

// "/" puts the cursor into the search field, as on most sites where one searches.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const field = document.querySelector('input[type="search"]');
  if (event.key === "/" && !typing && field && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
  }
});
