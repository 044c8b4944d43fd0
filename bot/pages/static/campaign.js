// Asks for the figures every two seconds while the page is looked at, until nothing changes any more.
"use strict";

const ASK_EVERY = 2000; // milliseconds
const by = (id) => document.getElementById(id);

let over = document.body.dataset.over === "yes";
let asking = false;

function list(element, rows) {
  element.replaceChildren(
    ...rows.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const said = document.createElement("dd");
      term.textContent = name;
      said.textContent = value;
      return [term, said];
    }),
  );
}

// A screen reader is told only of what is new.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function draw(state) {
  over = state.over;
  by("bar").value = state.percent;
  say(by("done"), state.done);
  say(by("standing"), state.standing);
  say(by("why"), state.why);
  by("why").hidden = !state.why;
  list(by("rows"), state.rows);
  for (const part of ["delays", "refusals", "perhaps", "omissions"]) {
    list(by(part), state[part]);
    by(part).parentElement.hidden = state[part].length === 0;
  }
}

async function ask() {
  if (asking || over || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(location.pathname.replace(/\/$/, "") + ".json" + location.search, {
      cache: "no-store",
      signal: AbortSignal.timeout(4000),
    });
    if (answer.ok) draw(await answer.json());
    by("lost").hidden = answer.ok;
  } catch {
    by("lost").hidden = false;
  } finally {
    asking = false;
  }
}

setInterval(ask, ASK_EVERY);
addEventListener("online", ask);
document.addEventListener("visibilitychange", ask);
