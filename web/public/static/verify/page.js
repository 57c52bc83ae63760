// The checker's page: fields above, steps below. It works from the site and as one saved file.
"use strict";

(() => {
  const { check, phrase, words, toHex } = Mingjing;
  const SVG = "http://www.w3.org/2000/svg";
  const SHAPES = {
    trusted: [["circle", { cx: 8, cy: 8, r: 7.5, class: "body" }], ["path", { d: "M4.6 8.3 7 10.7l4.5-5.1", class: "sign" }]],
    refused: [["path", { d: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z", class: "body" }],
      ["path", { d: "M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4", class: "sign" }]],
    unknown: [["circle", { cx: 8, cy: 8, r: 6.6, class: "dashes" }]],
  };
  const CLASSES = { trusted: "is-trusted", refused: "is-refused", unknown: "is-not-yet-known" };
  const LARGEST_FILE = 1 << 21;
  const FIELDS = ["proof-text", "other-head", "consistency-proof", "trusted"];

  const root = document.querySelector("#checker");
  const standalone = root.dataset.standalone !== undefined;
  const wanted = standalone ? navigator.language : document.documentElement.lang;
  let language = wanted.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
  let said = words[language];

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function symbol(state) {
    const picture = document.createElementNS(SVG, "svg");
    const shapes = SHAPES[state].map(([tag, attributes]) => {
      const shape = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
      return shape;
    });
    const attributes = { viewBox: "0 0 16 16", class: `symbol ${CLASSES[state]}`, "aria-hidden": "true" };
    for (const [name, value] of Object.entries(attributes)) picture.setAttribute(name, value);
    picture.append(...shapes);
    return picture;
  }

  function area(id, label, help, rows) {
    const field = make("textarea", { id, rows, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-help` });
    const hint = make("p", { class: "quiet", id: `${id}-help` }, help);
    return make("div", { class: "field" }, make("label", { for: id }, label), hint, field);
  }

  // A sentence whose hashes stand in the monospace face.
  const withHashes = (sentence) =>
    sentence.split(/([0-9a-f]{64})/).map((part, at) => (at % 2 ? make("code", {}, part) : part));

  const value = (id) => root.querySelector(`#${id}`)?.value ?? "";

  function draw(kept = {}) {
    document.documentElement.lang = language;
    const file = make("input", { type: "file", id: "proof-file", accept: ".json,application/json", "aria-describedby": "drop-help" });
    file.addEventListener("change", () => readFile(file.files[0]));
    const form = make("form", { class: "checker", novalidate: "" },
      make("div", { class: "field" }, make("label", { for: "proof-file" }, said.choose),
        make("p", { class: "quiet", id: "drop-help" }, said.drop), file),
      area("proof-text", said.paste, "", 4),
      make("details", { class: "fold" }, make("summary", {}, said.compare), make("div", { class: "inside" },
        area("other-head", said.other, said.otherHelp, 4), area("consistency-proof", said.consistency, said.consistencyHelp, 3),
        area("trusted", said.whom, said.whomHelp, 3))),
      make("div", { class: "row" }, make("button", { class: "button" }, said.run)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
    const parts = [form, make("div", { id: "result", "aria-live": "polite", tabindex: "-1" })];
    if (standalone) parts.unshift(heading());
    root.replaceChildren(...parts);
    for (const [id, text] of Object.entries(kept)) root.querySelector(`#${id}`).value = text;
  }

  function heading() {
    const other = make("button", { type: "button", class: "button plain", lang: said.switchTo }, said.switch);
    other.addEventListener("click", () => {
      const kept = Object.fromEntries(FIELDS.map((id) => [id, value(id)]));
      language = said.switchTo;
      said = words[language];
      draw(kept);
      if (kept["proof-text"]) run();
    });
    document.title = said.title;
    return make("header", { class: "lead" }, make("h1", {}, said.title), make("p", { class: "lede" }, said.lede), other);
  }

  async function readFile(file) {
    if (!file) return;
    const text = file.size > LARGEST_FILE ? " ".repeat(LARGEST_FILE + 1) : await file.text();
    root.querySelector("#proof-text").value = text;
    run();
  }

  function consistency() {
    const text = value("consistency-proof").trim();
    if (!text) return null;
    try {
      const given = JSON.parse(text);
      const nodes = Array.isArray(given) ? given : given.consistency;
      return Array.isArray(nodes) ? nodes.slice(0, 128) : [];
    } catch {
      return [text];
    }
  }

  async function run() {
    const text = value("proof-text");
    const options = { pasted: value("other-head"), consistency: consistency(), trusted: value("trusted") };
    let result = check(text, options);
    const wanted = result.steps.find((step) => step.code === "elsewhere-consistency");
    if (wanted && !standalone && (await fetchConsistency(result.proof, wanted.facts))) {
      result = check(text, { ...options, consistency: consistency() });
    }
    show(result, text);
  }

  // On the site, its logs' own consistency proof can be asked for; elsewhere the visitor brings it.
  async function fetchConsistency(proof, { first, second }) {
    const name = encodeURIComponent(proof.log.name);
    try {
      const answer = await fetch(`/log/${name}/ct/v1/get-sth-consistency?first=${first}&second=${second}`);
      if (!answer.ok) return false;
      root.querySelector("#consistency-proof").value = await answer.text();
      return true;
    } catch {
      return false;
    }
  }

  function show({ steps, state, nodes }, text) {
    const result = root.querySelector("#result");
    const banner = make("div", { class: `banner ${CLASSES[state]}` }, symbol(state),
      make("div", {}, make("strong", {}, said.states[state]), make("p", {}, said.verdict[state])));
    const list = make("ol", { class: "checks" }, ...steps.map(line));
    const parts = [banner, list];
    if (nodes.length) parts.push(nodeList(nodes));
    if (!standalone && state === "trusted") parts.push(saveLink(text));
    result.replaceChildren(...parts);
    result.dataset.state = state;
    result.focus({ preventScroll: true });
  }

  function line({ code, state, facts }) {
    const [title, sentence] = said[code];
    const told = facts.reason ? { ...facts, reason: phrase(said, facts.reason) } : facts;
    const mark = make("span", { class: `state ${CLASSES[state]}` }, symbol(state), make("span", {}, said.states[state]));
    const item = make("li", {}, mark, make("span", {}, make("strong", {}, title), " ", ...withHashes(sentence(told, state))));
    item.dataset.code = code;
    item.dataset.state = state;
    return item;
  }

  function nodeList(nodes) {
    const rows = nodes.map((node) => make("li", {}, make("code", {}, toHex(node.computed)), " ",
      make("span", { class: "quiet" }, node.side === "left" ? said.leftOf : said.rightOf, " ", make("code", {}, toHex(node.sibling)))));
    return make("details", { class: "fold" }, make("summary", {}, said.nodes),
      make("div", { class: "inside" }, make("ol", { class: "nodes" }, ...rows)));
  }

  function saveLink(text) {
    const link = make("a", { download: "mingjing-proof.json" }, said.save);
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    return make("p", {}, link);
  }

  async function load(address) {
    const answer = await fetch(address);
    root.querySelector("#proof-text").value = await answer.text();
    run();
  }

  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    readFile(event.dataTransfer.files[0]);
  });
  draw();
  if (root.dataset.proof) load(root.dataset.proof);
})();
