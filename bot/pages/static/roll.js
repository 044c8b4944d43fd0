// The leader's roll. A tap is kept on the phone under a name of its own (nonce) before anything else happens; it is sent
// when there is network, again and again, until the city has said that it is written down. The city counts each name once.
"use strict";

const WORDS = JSON.parse(document.body.dataset.words);
const BATCH = Number(document.body.dataset.batch);
const ZONE = document.body.dataset.zone; // the city's: the phone may have come from elsewhere
const HERE = location.pathname.replace(/\/$/, "");
const SEND_EVERY = 5000; // milliseconds, while something waits
const LOOK_EVERY = 20000; // milliseconds between looks at what others have done
const by = (id) => document.getElementById(id);

// The phone's memory may be full or closed to us (private windows): then the page still works while it is open.
const memory = {
  read(name) {
    try {
      return JSON.parse(localStorage.getItem(`${HERE}:${name}`));
    } catch {
      return null;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(`${HERE}:${name}`, JSON.stringify(value));
    } catch {
      // Nothing to be done.
    }
  },
  clear() {
    try {
      for (const name of ["ticks", "roll", "ahead"]) localStorage.removeItem(`${HERE}:${name}`);
    } catch {
      // Nothing to be done.
    }
  },
};

let ticks = memory.read("ticks") ?? []; // not yet written down by the city, oldest first
let roll = JSON.parse(document.body.dataset.roll); // as the city says, and when it said so; without our ticks
let refused = [];
let sending = false;
let over = false;
let heard = 0;
let ahead = memory.read("ahead") ?? 0; // milliseconds that the city's clock is before the phone's

const say = (name, values = {}) => WORDS[name].replace(/\{(\w+)\}/g, (mark, key) => values[key] ?? mark);
const wall = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: ZONE });
const clock = (at) => wall.format(new Date(at + ahead));

function nonce() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What a person's line says once everything that waits here is written down.
function foreseen(person) {
  let { stand, at } = person;
  for (const tick of ticks) {
    if (tick.id !== person.id) continue;
    if (tick.mark === "back") stand = stand === "left" ? "here" : "expected";
    else if (tick.mark === "here" && stand === "expected") [stand, at] = ["here", clock(tick.at)];
    else if (tick.mark === "left") [stand, at] = ["left", clock(tick.at)];
  }
  return { stand, at };
}

function tap(person, mark) {
  ticks.push({ nonce: nonce(), id: person.id, mark, at: Date.now() });
  memory.write("ticks", ticks);
  draw();
  send();
}

function button(label, name, pressed, shown, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.setAttribute("aria-label", `${label} · ${name}`);
  made.setAttribute("aria-pressed", pressed);
  made.disabled = !shown;
  made.addEventListener("click", action);
  return made;
}

function row(person) {
  const { stand, at } = foreseen(person);
  const item = document.createElement("li");
  item.dataset.id = person.id;
  item.dataset.stand = stand;
  const number = document.createElement("span");
  number.className = "number";
  number.textContent = person.number;
  const who = document.createElement("div");
  who.className = "who";
  who.textContent = person.name || "—";
  const state = document.createElement("span");
  state.textContent = person.mine ? say("mine") : { expected: say("expected"), here: say("since", { at }), left: say("gone", { at }), closed: say("closed") }[stand];
  who.append(state);
  const open = !person.mine && stand !== "closed";
  const here = stand === "here" || stand === "left";
  item.append(
    number,
    who,
    button(say("here"), person.name, here, open && stand !== "left", () => tap(person, here ? "back" : "here")),
    button(say("left"), person.name, stand === "left", open && here, () => tap(person, stand === "left" ? "back" : "left")),
  );
  return item;
}

function draw() {
  // A finger or a screen reader may stand on a button that is drawn anew: it stays there.
  const focused = document.activeElement?.closest?.("#roll li")?.dataset.id;
  const place = focused && [...document.activeElement.parentElement.children].indexOf(document.activeElement);
  by("roll").replaceChildren(...(over ? [] : roll.people.map(row)));
  if (focused) by("roll").querySelector(`li[data-id="${focused}"]`)?.children[place]?.focus();
  const stands = roll.people.map((person) => foreseen(person).stand);
  const count = (stand) => stands.filter((one) => one === stand).length;
  by("count").textContent = over ? "" : say("count", { here: count("here"), expected: count("expected") });
  document.body.classList.toggle("waiting", over || ticks.length > 0);
  const text = over ? say("over") : ticks.length ? say("waiting", { n: ticks.length }) : say("saved");
  if (by("saved").textContent !== text) by("saved").textContent = text;
  by("refused").hidden = refused.length === 0;
  by("refused").replaceChildren(
    ...refused.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
}

async function send() {
  if (sending || over) return;
  sending = true;
  const batch = ticks.slice(0, BATCH);
  try {
    const answer = await fetch(`${HERE}/ticks${location.search}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sent: Date.now(), ticks: batch }),
      signal: AbortSignal.timeout(10000),
    });
    if (answer.status === 404) return await close();
    if (!answer.ok) return;
    const told = await answer.json();
    for (const tick of batch) {
      const why = told.done[tick.nonce];
      const name = roll.people.find((person) => person.id === tick.id)?.name ?? "";
      if (why) refused.push(say("refused", { name, why: say(why) }));
    }
    ticks = ticks.filter((tick) => !(tick.nonce in told.done)); // taps that came meanwhile stay
    roll = told.roll;
    heard = Date.now();
    ahead = roll.now - heard;
    memory.write("ticks", ticks);
    memory.write("ahead", ahead);
    memory.write("roll", roll);
  } catch {
    // No network: everything is kept, and sent later.
  } finally {
    sending = false;
    draw();
  }
  if (ticks.length && heard > Date.now() - 1000) send();
}

// It is over, or no longer ours: nothing of anybody stays on this phone.
async function close() {
  over = true;
  if (ticks.length) refused.push(say("lost", { n: ticks.length }));
  ticks = [];
  roll = { now: Date.now(), people: [] };
  memory.clear();
  if (self.caches) await caches.delete("roll").catch(() => {});
}

// Keep the page and what it needs, so that it opens without network; the worker brings it out again.
async function keep() {
  if (!navigator.serviceWorker || !self.caches) return;
  try {
    await navigator.serviceWorker.register("/roll/worker.js", { scope: "/roll/" });
    const cache = await caches.open("roll");
    const files = [...document.querySelectorAll("link[href], script[src]")].map((one) => one.href || one.src);
    await cache.addAll([location.href, ...files]);
    document.body.dataset.kept = "yes";
  } catch {
    // Without it the page works as long as it stays open.
  }
}

const last = memory.read("roll");
if (last && last.now > roll.now) roll = last; // the page came from the phone's own store, and is older than what was heard
draw();
keep();
send();
setInterval(() => ticks.length && send(), SEND_EVERY);
setInterval(() => document.visibilityState === "visible" && send(), LOOK_EVERY);
addEventListener("online", send);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && send());
