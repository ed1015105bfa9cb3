import createClient from "openapi-fetch";
import type { paths } from "./schema";
import { required, run, serverUrl } from "./tour";

const api = createClient<paths>({ baseUrl: serverUrl });

await run({
  async signIn(username, password) {
    const { data, error } = await api.POST("/auth/login", { body: { username, password } });
    const signedIn = required(data, error);
    if (!("accessToken" in signedIn)) throw new Error("a second factor");
    api.use({ onRequest: ({ request }) => request.headers.set("Authorization", `Bearer ${signedIn.accessToken}`) });
  },
  async publish(photo, caption) {
    const { data, error } = await api.POST("/media", {
      body: { file: "" },
      bodySerializer: () => {
        const form = new FormData();
        form.append("file", photo, "photo.jpg");
        return form;
      },
    });
    const body = { mediaIds: [required(data, error).id], caption };
    const published = await api.POST("/posts", { body });
    return required(published.data, published.error);
  },
  async like(postId) {
    const { data, error } = await api.POST("/posts/{postId}/likes", { params: { path: { postId } } });
    return required(data, error).liked;
  },
  async page(cursor) {
    const query = { limit: 2, ...(cursor === undefined ? {} : { cursor }) };
    const { data, error } = await api.GET("/feed", { params: { query } });
    const page = required(data, error);
    return { ids: page.items.map((post) => post.id), nextCursor: page.nextCursor };
  },
  async codeOfMissingPost() {
    const { error } = await api.GET("/posts/{postId}", { params: { path: { postId: "1" } } });
    return required(error, "no error").code;
  },
});
