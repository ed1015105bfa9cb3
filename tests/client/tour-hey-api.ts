import { getPost, likePost, login, publishPost, readFeed, uploadMedia } from "./hey-api";
import { client } from "./hey-api/client.gen";
import { required, run, serverUrl } from "./tour";

client.setConfig({ baseUrl: serverUrl });

await run({
  async signIn(username, password) {
    const { data, error } = await login({ body: { username, password } });
    const signedIn = required(data, error);
    if (!("accessToken" in signedIn)) throw new Error("a second factor");
    client.setConfig({ auth: signedIn.accessToken });
  },
  async publish(photo, caption) {
    const { data, error } = await uploadMedia({ body: { file: photo } });
    const published = await publishPost({ body: { mediaIds: [required(data, error).id], caption } });
    return required(published.data, published.error);
  },
  async like(postId) {
    const { data, error } = await likePost({ path: { postId } });
    return required(data, error).liked;
  },
  async page(cursor) {
    const { data, error } = await readFeed({ query: { limit: 2, cursor } });
    const page = required(data, error);
    return { ids: page.items.map((post) => post.id), nextCursor: page.nextCursor };
  },
  async codeOfMissingPost() {
    const { error } = await getPost({ path: { postId: "1" } });
    return required(error, "no error").code;
  },
});
