// A file may be dropped anywhere on the form; what must not leave this machine is stopped before it does.
// Without this file, the form does the same through the file chooser, and the site refuses keys itself.
"use strict";

(() => {
  const form = document.getElementById("inspect");
  if (!form) return;
  const file = form.elements.file;
  const text = form.elements.certificate;
  const said = form.querySelector("[role=status]");
  const MOST = Number(form.dataset.most); // bytes that the site takes
  const KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;

  function stop(message) {
    said.textContent = message;
    form.classList.add("stopped");
    said.scrollIntoView({ block: "nearest" });
  }

  function fine() {
    said.textContent = "";
    form.classList.remove("stopped");
  }

  async function problem() {
    const chosen = file.files[0];
    if (chosen && chosen.size > MOST) return form.dataset.large;
    if (KEY.test(text.value) || (chosen && KEY.test(await chosen.text()))) return form.dataset.key;
    return "";
  }

  async function send() {
    const wrong = await problem();
    if (!wrong) {
      form.submit();
      return;
    }
    if (wrong === form.dataset.key) text.value = "";
    file.value = "";
    stop(wrong);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  text.addEventListener("input", fine);
  file.addEventListener("change", fine);
  for (const kind of ["dragenter", "dragover"]) {
    form.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      form.classList.add("dropping");
    });
  }
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) form.classList.remove("dropping");
  });
  form.addEventListener("drop", (event) => {
    form.classList.remove("dropping");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    file.files = event.dataTransfer.files;
    text.value = "";
    send();
  });
})();
