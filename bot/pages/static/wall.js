// The wall asks for the code each second. Without a connection it goes on showing the last code for as long as that is taken,
// says so, and then hides it: a code that nobody can use any more must not stand on the wall.
"use strict";

const WORDS = JSON.parse(document.body.dataset.words);
const STEP = Number(document.body.dataset.step);
const ASK_EVERY = 1000; // milliseconds
const LOST_AFTER = 3000; // milliseconds without an answer before the wall says so
const by = (id) => document.getElementById(id);

let state = JSON.parse(document.body.dataset.state);
let heard = Date.now(); // Date and not performance.now: a laptop that slept must know that time has gone by
let asking = false;
let over = false;

// A sentence in both languages, the second one smaller.
function say(element, name, values = {}) {
  const sentences = WORDS[name].map((sentence) => sentence.replace(/\{(\w+)\}/g, (mark, key) => values[key] ?? mark));
  if (element.dataset.said === sentences.join()) return;
  element.dataset.said = sentences.join();
  element.textContent = sentences[0];
  if (sentences[1] && sentences[1] !== sentences[0]) {
    const other = document.createElement("span");
    other.className = "other";
    other.textContent = " " + sentences[1];
    element.append(other);
  }
}

function draw() {
  by("qr").setAttribute("viewBox", `0 0 ${state.qr.size} ${state.qr.size}`);
  by("qr").firstElementChild.setAttribute("d", state.qr.path);
  by("code").textContent = `${state.code.slice(0, 4)} ${state.code.slice(4)}`;
  by("code").setAttribute("aria-label", state.code);
  by("arrived").textContent = state.arrived;
  by("share").max = Math.max(state.registered, 1);
  by("share").value = state.arrived;
  say(by("of"), "of", { registered: state.registered });
}

function tick() {
  const silent = Date.now() - heard;
  const left = state.left - silent / 1000;
  const good = Math.max(0, Math.ceil(left + STEP)); // the code before the present one is still taken
  const seconds = Math.max(0, Math.ceil(left));
  by("seconds").textContent = seconds;
  by("left").setAttribute("stroke-dasharray", `${Math.max(0, Math.min(100, (left / STEP) * 100))} 100`);
  say(by("next"), "next", { seconds });
  const old = over || good === 0;
  document.body.classList.toggle("old", old);
  const lost = silent > LOST_AFTER;
  by("notice").hidden = !(over || lost);
  if (over) say(by("notice"), "over");
  else if (lost) say(by("notice"), old ? "old" : "lost", { seconds: good });
}

async function ask() {
  if (asking) return;
  asking = true;
  const sent = Date.now();
  try {
    const answer = await fetch(location.pathname.replace(/\/$/, "") + "/now" + location.search, {
      cache: "no-store",
      signal: AbortSignal.timeout(4000),
    });
    if (answer.status === 404) over = true;
    if (!answer.ok) return;
    state = await answer.json();
    over = false;
    heard = sent; // the older end: never believe a code to be younger than it is
    draw();
  } catch {
    // No connection: tick() says so as soon as it matters.
  } finally {
    asking = false;
    tick();
  }
}

// Keep the laptop behind the projector from going to sleep, where the browser lets us.
async function stayAwake() {
  if (document.visibilityState === "visible" && navigator.wakeLock) await navigator.wakeLock.request("screen").catch(() => {});
}

draw();
tick();
setInterval(tick, 250);
setInterval(ask, ASK_EVERY);
addEventListener("online", ask);
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
