// Comforts alone: every act works without this file.
"use strict";
(() => {
  const typing = (at) => at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));

  // Countdowns run from the server's clock, at its rate: the reader's own may be minutes off.
  let began = performance.now();
  const tick = () => {
    const board = document.getElementById("board");
    if (!board) return;
    const now = Date.parse(board.dataset.now) + (performance.now() - began) * Number(board.dataset.rate);
    for (const time of board.querySelectorAll("[data-countdown]")) {
      const left = Math.round(Math.abs(Date.parse(time.dateTime) - now) / 1000);
      const told = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60].map((one) => String(one).padStart(2, "0"));
      let beside = time.nextElementSibling;
      if (!beside || !beside.classList.contains("hint")) {
        beside = document.createElement("span");
        beside.className = "hint";
        time.after(beside);
      }
      beside.textContent = ` ${time.dataset.countdown} ${told.join(":")}`;
    }
  };
  document.addEventListener("htmx:afterSwap", () => { began = performance.now(); tick(); });
  document.addEventListener("visibilitychange", () => {
    const board = document.getElementById("board");
    if (!document.hidden && board && window.htmx) window.htmx.ajax("GET", location.pathname, { target: "#board", select: "#board", swap: "outerHTML" });
  });
  setInterval(tick, 1000);
  tick();

  // j and k move among rows, / searches, ? tells; never while somebody types or composes Japanese.
  const move = (by) => {
    const rows = [...document.querySelectorAll(".row a:first-of-type")].filter((one, at, all) => all.findIndex((other) => other.closest(".row") === one.closest(".row")) === at);
    if (!rows.length) return;
    const here = document.activeElement.closest(".row");
    const at = rows.findIndex((one) => one.closest(".row") === here);
    rows[Math.max(0, Math.min(rows.length - 1, at + by))].focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = {
      j: () => move(1),
      k: () => move(-1),
      "/": () => document.getElementById("q")?.focus(),
      "?": () => document.getElementById("keys")?.showModal(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // One press of a button is one act.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 5000);
  });
})();
