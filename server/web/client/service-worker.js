/**
 * Keeps the files of the client, so that it opens without a connection; the API and pictures always come from the
 * server. `VERSION` and `FILES` are put in front of this file by the server.
 * @module
 */

/* global VERSION, FILES */

const PREFIX = "photofeed-";
const CACHE = PREFIX + VERSION;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("push", (event) => {
  const { title, body, tag, badge, data } = event.data.json();
  event.waitUntil(self.registration.showNotification(title, { body, tag, data }));
  void navigator.setAppBadge?.(badge);
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link } = event.notification.data;
  event.waitUntil(self.clients.openWindow(new URL(link).origin === location.origin ? link : "/app/activity"));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.mode === "navigate")
    event.respondWith(fetch(request).catch(() => caches.match("/").then((shell) => shell ?? Response.error())));
  else if (pathname.startsWith("/web/"))
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
});
