// What an app does with the SDK. Each step prints what it got, for the test.
import { readFile } from "node:fs/promises";

import { ApiError, memoryStorage, Photofeed, SignedOutError } from "./web/sdk/index.js";

const { SERVER_URL: baseUrl, CUT_URL: cutUrl, PHOTO: photo, PASSWORD: password } = process.env;
const found = {};

const storage = memoryStorage();
const ana = new Photofeed({ baseUrl, storage });
await ana.signIn({ username: "ana", password });
const ben = new Photofeed({ baseUrl, storage: memoryStorage() });
await ben.signIn({ username: "ben", password });

const stream = ana.stream();
const received = [];
stream.addEventListener("message", ({ eventType, data }) => received.push([eventType, data.actor?.username]));
await new Promise((resolve) => stream.addEventListener("state", resolve, { once: true }));

// Through a proxy that cuts connections. The session is the same.
const onAPoorLine = new Photofeed({ baseUrl: cutUrl, storage });
const progress = [];
const file = new File([await readFile(photo)], "hills.jpg", { type: "image/jpeg" });
const media = await onAPoorLine.upload(file, { altText: "Hügel", onProgress: ({ sent }) => progress.push(sent) });
found.altText = media.altText;
found.uploaded = progress.at(-1) === file.size;
const post = await ana.post("/posts", { body: { mediaIds: [media.id], caption: "From the SDK" } });

const captions = [];
for await (const each of ben.list("/feed", { query: { limit: 2 } })) captions.push(each.caption);
found.captions = captions;

await ben.post("/posts/{postId}/likes", { path: { postId: post.id } });
while (!received.some(([type]) => type === "like")) await new Promise((resolve) => setTimeout(resolve, 20));
found.like = received.find(([type]) => type === "like");

found.problem = await ben
  .post("/posts/{postId}/comments", { path: { postId: post.id }, body: { content: "" } })
  .catch((error) => error instanceof ApiError && [error.status, error.code, Object.keys(error.fields)]);

// The access token is refused: all calls wait for one renewal.
const session = JSON.parse(storage.getItem("photofeed.session"));
storage.setItem("photofeed.session", JSON.stringify({ ...session, accessToken: "refused" }));
const profiles = await Promise.all([1, 2, 3].map(() => ana.get("/users/profile")));
found.renewed = profiles.map(({ username }) => username);

stream.close();
await ana.signOut();
found.signedOut = await ana.get("/feed").catch((error) => error instanceof SignedOutError);
console.log(JSON.stringify(found));
process.exit(0);
