// The web chat in the browser. Letters are numbered by the server: each number is shown once, in order, however it came.
// What a person sends gets a key here and is kept until the server has answered it: sent again, it has one effect.
"use strict";

const CHAT = JSON.parse(document.body.dataset.chat);
const WORDS = CHAT.words;
const SILENCE = 40000; // milliseconds without a beat (every 15 s) after which a stream is taken for dead
const KEPT = 86400000; // milliseconds after which a message that could not be sent is no longer meant
const HIDDEN = 60000; // milliseconds in the background after which the stream is given back (a browser has six connections)
const PHOTO_SIDE = 1600; // pixels of the longer side of a picture that leaves
const OUTBOX = `menkou.outbox.${CHAT.start}`; // each conversation has its own

const by = (id) => document.getElementById(id);
const log = by("log");
const text = by("text");
const shown = new Map(); // sequence → element
const waiting = new Map(); // key → element of a message that has no letter yet
let first = Infinity;
let streamed = 0; // the last number that history or the stream brought; letters before it are all here
let anchor = { element: null, at: 0 };
let stuck = true;

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

function link(href, ...children) {
  const element = make("a", "", ...children);
  element.href = href;
  element.target = "_blank";
  element.rel = "noopener";
  return element;
}

// --- Showing letters ---

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: CHAT.zone });
const calendar = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "short", month: "short", day: "numeric", timeZone: CHAT.zone });

function worded(value) {
  const parts = value.split(/(https?:\/\/[^\s<>"'，。；）)]+)/);
  return parts.map((part, index) => (index % 2 ? link(part, part) : part));
}

function spotted([latitude, longitude, name, address]) {
  const chinese = CHAT.language === "zh_CN";
  const href = chinese
    ? `https://uri.amap.com/marker?position=${longitude},${latitude}&name=${encodeURIComponent(name)}&coordinate=wgs84`
    : `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=17/${latitude}/${longitude}`;
  const words = make("span", "", make("strong", "", name), ...(address ? [make("span", "", address)] : []), make("em", "", WORDS.map));
  const card = link(href, icon("pin"), words);
  card.className = "spot";
  return card;
}

function pictured(address) {
  const picture = make("img");
  picture.alt = WORDS.picture;
  picture.src = address;
  picture.addEventListener("load", () => stuck && scroll());
  const frame = link(address, picture);
  frame.className = "picture";
  return frame;
}

function option({ number, label, wire, url }) {
  const name = make("span", "label", label);
  if (url) {
    const page = link(url, icon("link"), name);
    page.className = "option";
    return page;
  }
  const button = make("button", "option", make("span", "number", String(number)), " ", name);
  button.type = "button";
  button.addEventListener("click", () => say({ [/^\d+\.\d+$/.test(wire) ? "pick" : "link"]: wire, label }));
  return button;
}

function fill(letter, who, body, at) {
  const bubble = make("div", "bubble", make("span", "unseen", `${who === "me" ? WORDS.you : CHAT.name}: `));
  if (body.picture) bubble.append(pictured(body.picture));
  if (body.text) bubble.append(make("span", "text", ...worded(body.text)));
  else if (body.place) bubble.append(icon("pin"), WORDS.place.replace("{metres}", Math.max(1, Math.round(body.place[2]))));
  else if (body.photo) bubble.append(icon("picture"), WORDS.photographed);
  else if (body.link) bubble.append(icon("link"), WORDS.opened);
  if (body.spot) bubble.append(spotted(body.spot));
  const time = make("time", "", clock.format(at));
  time.dateTime = at.toISOString();
  bubble.append(time);
  letter.dataset.day = calendar.format(at);
  letter.replaceChildren(make("p", "day", letter.dataset.day), bubble);
  if (body.buttons) letter.append(make("div", "options", ...body.buttons.map(option)));
}

function dayOf(letter) {
  let before = letter.previousElementSibling;
  while (before && !before.dataset.day) before = before.previousElementSibling;
  letter.firstChild.hidden = before !== null && before.dataset.day === letter.dataset.day;
}

function place(letter) {
  if (shown.has(letter.sequence)) return;
  const element = (letter.key && waiting.get(letter.key)) || make("div", `letter ${letter.who}`);
  if (letter.key) {
    waiting.delete(letter.key);
    element.dataset.key = letter.key;
  }
  element.classList.remove("waiting");
  element.dataset.sequence = letter.sequence;
  fill(element, letter.who, letter.body, new Date(letter.at));
  let next = by("typing"); // what follows it: the first letter with a greater number; what has no number yet stays where it is
  for (let one = next.previousElementSibling; one && !(Number(one.dataset.sequence) < letter.sequence); one = one.previousElementSibling) {
    if (Number(one.dataset.sequence) > letter.sequence) next = one;
  }
  if (element.nextElementSibling !== next) log.insertBefore(element, next);
  shown.set(letter.sequence, element);
  first = Math.min(first, letter.sequence);
  dayOf(element);
  if (element.nextElementSibling?.dataset.day) dayOf(element.nextElementSibling);
  if (letter.who === "me") settle(element);
  else if (!(Date.now() - anchor.at < 3000)) anchor = { element, at: Date.now() };
}

// What a person has said makes the options above it old. They stay where they are and can still be pressed.
function settle(mine) {
  for (const options of log.querySelectorAll(".options:not(.past)")) {
    if (options.compareDocumentPosition(mine) & Node.DOCUMENT_POSITION_FOLLOWING) options.classList.add("past");
  }
}

function scroll() {
  // The beginning of what is new stands at the top when all of it does not fit; otherwise the end is at the bottom.
  log.scrollTop = anchor.element ? anchor.element.offsetTop - 12 : log.scrollHeight;
}

function arrive(letters) {
  const fresh = letters.filter((letter) => !shown.has(letter.sequence));
  fresh.forEach(place);
  if (!fresh.length) return;
  const last = fresh.at(-1);
  if (last.sequence === Math.max(...shown.keys())) {
    text.inputMode = last.body.wants === "phone" ? "tel" : "text";
    by("share").classList.toggle("wanted", last.body.wants === "place");
    by("photo").hidden = last.body.wants !== "photo";
  }
  if (stuck) scroll();
  else by("below").hidden = fresh.every((letter) => letter.who === "me");
}

// --- Sending ---

let kept = [];
function outbox(change) {
  try {
    kept = JSON.parse(localStorage.getItem(OUTBOX) ?? "[]").filter((message) => Date.now() - message.at < KEPT);
    if (change) localStorage.setItem(OUTBOX, JSON.stringify((kept = change(kept))));
  } catch {
    if (change) kept = change(kept); // storage is full or forbidden: this page's memory has to do
  }
  return kept;
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID exists only over https and on localhost
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function say(message, key = newKey()) {
  outbox((messages) => [...messages.filter((one) => one.key !== key), { ...message, key, at: Date.now() }]);
  if (message.link !== "start") expect({ ...message, key });
  flush();
}

function expect(message) {
  if (waiting.has(message.key) || [...shown.values()].some((element) => element.dataset.key === message.key)) return;
  const element = make("div", "letter me waiting");
  element.dataset.key = message.key;
  const { place: at, link: intent, text: words, label, photo } = message;
  const body = at ? { place: [at.latitude, at.longitude, at.accuracy] } : { text: words ?? label, link: intent, photo: Boolean(photo) };
  fill(element, "me", body, new Date());
  log.insertBefore(element, by("typing"));
  dayOf(element);
  waiting.set(message.key, element);
  settle(element);
  anchor = { element, at: Date.now() };
  stuck = true;
  scroll();
}

let flushing = false;
let pause = 0;
let retry;
async function flush() {
  if (flushing) return;
  flushing = true;
  clearTimeout(retry);
  try {
    for (let message = outbox()[0]; message; message = outbox()[0]) {
      by("typing").hidden = false;
      if (stuck) scroll();
      const answer = await post(message);
      if (answer.status === 401) return forgotten();
      if (answer.status === 429 || answer.status >= 500) {
        toast(WORDS.busy);
        throw new Error(answer.status);
      }
      outbox((messages) => messages.filter((one) => one.key !== message.key));
      pause = 0;
      if (!answer.ok) refuse(message.key);
      else await adapt(await answer.json());
    }
  } catch {
    pause = Math.min(10000, pause * 2 || 1000);
    retry = setTimeout(flush, pause);
  } finally {
    by("typing").hidden = true;
    flushing = false;
  }
}

function post(message) {
  if (!message.photo) {
    return fetch("/chat/say", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message) });
  }
  const bytes = Uint8Array.from(atob(message.photo), (sign) => sign.charCodeAt(0));
  return fetch(`/chat/photo?key=${message.key}`, { method: "POST", headers: { "Content-Type": "image/jpeg" }, body: bytes });
}

// A picture leaves no larger than a telephone shows it, and without what the camera wrote beside it.
async function smaller(file) {
  const drawn = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, PHOTO_SIDE / Math.max(drawn.width, drawn.height));
  const canvas = make("canvas");
  canvas.width = Math.max(1, Math.round(drawn.width * scale));
  canvas.height = Math.max(1, Math.round(drawn.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(drawn, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85).split(",")[1];
}

function refuse(key) {
  waiting.get(key)?.classList.add("refused");
  toast(WORDS.refused);
}

// The reader changed language or the size of letters in the talk: the page follows.
async function adapt({ language, elder }) {
  if (language !== CHAT.language || elder !== CHAT.elder) location.reload();
}

// The cookie has gone. Opening the page again sets a new one, unless the browser takes none.
function forgotten() {
  if (performance.now() > 10000) location.reload();
  else toast(WORDS.cookie);
}

function toast(words) {
  by("toast").textContent = words;
  by("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => (by("toast").hidden = true), 6000);
}

// --- Listening ---

let stream = null;
let beat;
let reopen;
function listen() {
  clearTimeout(reopen);
  stream?.close();
  stream = new EventSource(`/chat/events?after=${streamed}`);
  const alive = () => {
    clearTimeout(beat);
    beat = setTimeout(listen, SILENCE);
    state("online");
  };
  stream.onopen = () => {
    alive();
    flush();
  };
  stream.addEventListener("beat", alive);
  stream.addEventListener("forgotten", () => location.reload());
  stream.onmessage = (event) => {
    alive();
    const letter = JSON.parse(event.data);
    streamed = Math.max(streamed, letter.sequence);
    arrive([letter]);
  };
  stream.onerror = () => {
    state(navigator.onLine ? "connecting" : "offline");
    if (stream.readyState === EventSource.CLOSED) reopen = setTimeout(listen, 2000); // the browser itself gave up
  };
}

function state(name) {
  if (by("state").textContent !== WORDS[name]) by("state").textContent = WORDS[name];
  document.body.dataset.connection = name;
}

async function recall(before) {
  const answer = await fetch("/chat/history" + (before ? `?before=${before}` : ""));
  if (answer.status === 401) forgotten();
  if (!answer.ok) throw new Error(answer.status);
  const { letters } = await answer.json();
  const top = log.scrollHeight - log.scrollTop;
  letters.forEach(place);
  if (before) log.scrollTop = log.scrollHeight - top;
  by("earlier").hidden = letters.length === 0 || first <= 1;
  return letters;
}

// --- Beginning ---

async function begin() {
  log.setAttribute("aria-live", "off"); // what was said before is not read out again
  let letters;
  try {
    letters = await recall();
  } catch {
    state("offline");
    return setTimeout(begin, 2000);
  }
  streamed = Math.max(0, ...letters.map((letter) => letter.sequence));
  anchor = { element: null, at: 0 };
  outbox().forEach((message) => message.link !== "start" && expect(message));
  scroll();
  setTimeout(() => log.removeAttribute("aria-live"), 500);
  if (CHAT.go) {
    history.replaceState(null, "", "/chat");
    say({ link: CHAT.go });
  } else if (!letters.length) {
    say({ link: "start" }, CHAT.start);
  }
  listen();
  flush();
}

by("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (words) say({ text: words });
  text.value = "";
  text.dispatchEvent(new Event("input"));
  text.focus();
});
text.addEventListener("input", () => {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // Enter also ends the choice of a Chinese word
  event.preventDefault();
  by("composer").requestSubmit();
});
document.querySelectorAll("[data-link]").forEach((button) => {
  button.addEventListener("click", () => say({ link: button.dataset.link, label: button.title || button.textContent }));
});
by("share").hidden = !(navigator.geolocation && isSecureContext);
by("share").addEventListener("click", () => {
  toast(WORDS.finding);
  navigator.geolocation.getCurrentPosition(
    ({ coords: { latitude, longitude, accuracy } }) => {
      by("toast").hidden = true;
      say({ place: { latitude, longitude, accuracy } });
    },
    (error) => toast(error.code === error.PERMISSION_DENIED ? WORDS.place_denied : WORDS.place_unknown),
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 },
  );
});
by("photo").addEventListener("click", () => by("file").click());
by("file").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (!file) return;
  try {
    say({ photo: await smaller(file) });
  } catch {
    toast(WORDS.unpictured);
  }
});
by("earlier").addEventListener("click", () => recall(first).catch(() => toast(WORDS.offline)));
by("below").addEventListener("click", () => (log.scrollTop = log.scrollHeight));
log.addEventListener("scroll", () => {
  stuck = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  if (stuck) by("below").hidden = true;
});
new ResizeObserver(() => stuck && (log.scrollTop = log.scrollHeight)).observe(log);
addEventListener("online", () => {
  listen();
  flush();
});
addEventListener("offline", () => state("offline"));
let hidden;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hidden);
  if (document.hidden) {
    hidden = setTimeout(() => {
      clearTimeout(beat);
      stream?.close();
    }, HIDDEN);
  } else if (stream?.readyState === EventSource.CLOSED) listen();
});

begin();
