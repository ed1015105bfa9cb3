import { getPost, likePost, login, publishPost, readFeed, uploadMedia } from "./orval/api";
import { run } from "./tour";

let authorized: { headers: Record<string, string> } = { headers: {} };

await run({
  async signIn(username, password) {
    const { data, status } = await login({ username, password });
    if (status !== 200) throw new Error(JSON.stringify(data));
    authorized = { headers: { Authorization: `Bearer ${data.accessToken}` } };
  },
  async publish(photo, caption) {
    const uploaded = await uploadMedia({ file: photo }, authorized);
    if (uploaded.status !== 201) throw new Error(JSON.stringify(uploaded.data));
    // publishPost accepts two media types, so that orval leaves the choice to its caller.
    const json = { headers: { ...authorized.headers, "Content-Type": "application/json" } };
    const published = await publishPost({ mediaIds: [uploaded.data.id], caption }, json);
    if (published.status !== 201) throw new Error(JSON.stringify(published.data));
    return published.data;
  },
  async like(postId) {
    const { data, status } = await likePost(postId, authorized);
    if (status !== 200) throw new Error(JSON.stringify(data));
    return data.liked;
  },
  async page(cursor) {
    const { data, status } = await readFeed({ limit: 2, ...(cursor === undefined ? {} : { cursor }) }, authorized);
    if (status !== 200) throw new Error(JSON.stringify(data));
    return { ids: data.items.map((post) => post.id), nextCursor: data.nextCursor };
  },
  async codeOfMissingPost() {
    const { data, status } = await getPost("1", {}, authorized);
    if (status !== 404) throw new Error(JSON.stringify(data));
    return data.code;
  },
});
