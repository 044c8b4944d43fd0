// Lets the leader's page open without network: the newest page and its files from the network, else as they were last seen.
"use strict";

const KEPT = "roll";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (/^\/roll\/\d+$/.test(pathname)) event.respondWith(newest(event.request));
  else if (pathname.startsWith("/static/")) event.respondWith(seen(event.request));
});

async function newest(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    else if (answer.status === 404) await cache.delete(request); // over: no names stay on the phone
    return answer;
  } catch {
    return (await cache.match(request)) ?? Response.error();
  }
}

async function seen(request) {
  const cache = await caches.open(KEPT);
  const found = await cache.match(request);
  if (found) return found; // named by its content: it cannot be another
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}
