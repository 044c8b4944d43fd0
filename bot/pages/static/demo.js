// The demonstration city's bar: its clock, and the buttons that move it on. Comes after chat.js and uses its words and its toast.
"use strict";

async function askClock(move) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: move };
  try {
    const answer = await fetch(`/demo/clock?language=${CHAT.language}`, move ? post : {});
    if (!answer.ok) return;
    const { text: told, moved } = await answer.json();
    by("clock").textContent = told;
    if (move && !moved) toast(WORDS.nothing);
  } catch {
    // The line under the title says when there is no connection.
  }
}

document.querySelectorAll("[data-move]").forEach((button) => {
  button.addEventListener("click", () => askClock(button.dataset.move));
});
setInterval(() => document.hidden || askClock(), 10000);
