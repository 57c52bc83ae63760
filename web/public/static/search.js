// Results while somebody types: the page's own address is asked, and its results are put in place.
// Without this file, the form does the same with the button.
"use strict";

(() => {
  const PAUSE = 30; // milliseconds without a key after which results are asked for
  const SLOW = 700; // after which it is said that they take their time
  const PATIENCE = 15000; // after which they are given up
  const QUIET = 700; // without new results, after which the count is announced

  const form = document.getElementById("search");
  const found = document.getElementById("found");
  const told = document.getElementById("told");
  if (!form || !found || !told) return;
  const words = told.querySelector("[role=status]");
  const again = told.querySelector("button");

  let shown = address(); // what the results in place answer
  let running = null; // the request under way
  let waiting = 0; // the timer of the pause
  let announcing = 0; // the timer of the announcement

  function address() {
    const given = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (value.trim()) given.append(name, value.trim());
    }
    const language = new URLSearchParams(location.search).get("lang");
    if (language) given.append("lang", language);
    return `${form.getAttribute("action")}?${given}`;
  }

  // The one place for words: seen when there is trouble, otherwise only heard.
  function tell(text, { trouble = false, retry = false } = {}) {
    clearTimeout(announcing);
    told.classList.toggle("unseen", !trouble);
    words.textContent = text;
    again.hidden = !retry;
  }

  function announce() {
    clearTimeout(announcing);
    announcing = setTimeout(() => {
      const part = found.querySelector("[data-told]");
      tell(part ? part.textContent.trim().replace(/\s+/g, " ") : "");
    }, QUIET);
  }

  function ask() {
    clearTimeout(waiting);
    const wanted = address();
    if (running) {
      if (running.wanted === wanted) return;
      running.stop();
    }
    if (wanted === shown) {
      tell("");
      return;
    }
    share(wanted);
    fetchResults(wanted);
  }

  function share(wanted) {
    try {
      history.replaceState(null, "", wanted);
    } catch {
      // a browser allows only so many changes in a while: the next one brings the address up to date
    }
  }

  async function fetchResults(wanted) {
    const control = new AbortController();
    const slow = setTimeout(() => {
      found.classList.add("waiting");
      tell(form.dataset.slow, { trouble: true });
    }, SLOW);
    const late = setTimeout(() => control.abort(), PATIENCE);
    const request = { wanted, stopped: false };
    request.stop = () => {
      request.stopped = true;
      control.abort();
    };
    running = request;
    found.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(wanted, { signal: control.signal, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (request.stopped) return;
      if (!page.getElementById("found")) throw new Error(`status ${answer.status}`);
      put(page);
      shown = wanted;
      tell("");
      announce();
    } catch {
      if (!request.stopped) tell(form.dataset.failed, { trouble: true, retry: true });
    } finally {
      clearTimeout(slow);
      clearTimeout(late);
      if (running === request) {
        running = null;
        found.classList.remove("waiting");
        found.removeAttribute("aria-busy");
      }
    }
  }

  // Replace the results, and what else of the page depends on the address. The form, and with it the
  // cursor, stays as it is; open folds stay open; a link that had the focus has it again.
  function put(page) {
    const results = page.getElementById("found");
    for (const fold of found.querySelectorAll("details[id][open]")) {
      const same = results.querySelector(`#${CSS.escape(fold.id)}`);
      if (same) same.open = true;
    }
    for (const part of results.querySelectorAll("[role=alert]")) part.removeAttribute("role");
    const held = found.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    found.replaceChildren(...results.childNodes);
    document.dispatchEvent(new CustomEvent("mingjing:content", { detail: found }));
    if (held) found.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
    document.title = page.title;
    for (const selector of [".languages a[hreflang]", "link[hreflang]", ".foot .end"]) {
      const fresh = page.querySelectorAll(selector);
      document.querySelectorAll(selector).forEach((link, at) => {
        if (fresh[at]) link.setAttribute("href", fresh[at].getAttribute("href"));
      });
    }
    const feed = 'link[type="application/atom+xml"]';
    document.querySelector(feed)?.remove();
    const other = page.querySelector(feed);
    if (other) document.head.append(other);
  }

  function pause(event) {
    clearTimeout(waiting);
    if (!event.isComposing) waiting = setTimeout(ask, PAUSE);
  }

  tell("");
  form.addEventListener("input", pause);
  form.addEventListener("compositionend", pause);
  form.addEventListener("change", ask);
  again.addEventListener("click", () => {
    ask();
    form.elements.q.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.assign(address());
  });
  window.addEventListener("pagehide", () => {
    clearTimeout(waiting);
    if (running) running.stop();
  });
})();
