"use strict";
(() => {
  const table = document.querySelector("table");
  const ago = (moment) => {
    const seconds = Math.max(0, Math.round((Date.now() - new Date(moment)) / 1000));
    if (seconds < 5) return "just now";
    for (const [size, unit] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
      const count = Math.floor(seconds / size);
      if (count >= 1) return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
    }
    return `${seconds} seconds ago`;
  };
  const times = () => document.querySelectorAll("time").forEach((time) => {
    time.textContent = ago(time.dateTime);
    time.title = time.dateTime;
  });
  const load = async () => {
    const answer = await fetch("/status.json", { cache: "no-store" });
    const status = await answer.json();
    if (String(status.version) === table.dataset.version) return;
    const page = new DOMParser().parseFromString(await (await fetch("/", { cache: "no-store" })).text(), "text/html");
    const seen = new Set([...table.querySelectorAll("tr[data-number]")].map((row) => row.dataset.number));
    const fresh = page.querySelector("table");
    fresh.querySelectorAll("tr[data-number]").forEach((row) => row.classList.toggle("new", !seen.has(row.dataset.number)));
    table.tBodies[0].replaceWith(fresh.tBodies[0]);
    table.dataset.version = fresh.dataset.version;
    document.querySelector(".cards").replaceWith(page.querySelector(".cards"));
    times();
  };
  times();
  setInterval(times, 5000);
  setInterval(() => load().catch(() => {}), 1000);
})();
