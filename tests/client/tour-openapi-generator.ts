import { AuthApi, Configuration, FeedApi, LikesApi, MediaApi, PostsApi, ResponseError } from "./openapi-generator";
import { required, run, serverUrl } from "./tour";

let accessToken = "";
const configuration = new Configuration({ basePath: serverUrl, accessToken: () => accessToken });

await run({
  async signIn(username, password) {
    const signedIn = await new AuthApi(configuration).login({ loginBody: { username, password } });
    if (!("accessToken" in signedIn)) throw new Error("a second factor");
    accessToken = signedIn.accessToken;
  },
  async publish(photo, caption) {
    const media = await new MediaApi(configuration).uploadMedia({ file: photo });
    // For two media types the generator takes the parameters of the form; publish with fetch, or choose JSON as here.
    const answer = await fetch(`${serverUrl}/posts`, {
      method: "POST",
      headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" },
      body: JSON.stringify({ mediaIds: [media.id], caption }),
    });
    const { id } = (await answer.json()) as { id: string };
    return new PostsApi(configuration).getPost({ postId: id });
  },
  async like(postId) {
    return (await new LikesApi(configuration).likePost({ postId })).liked;
  },
  async page(cursor) {
    const page = await new FeedApi(configuration).readFeed({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    return { ids: page.items.map((post) => post.id), nextCursor: page.nextCursor };
  },
  async codeOfMissingPost() {
    try {
      await new PostsApi(configuration).getPost({ postId: "1" });
    } catch (error) {
      if (error instanceof ResponseError) return ((await error.response.json()) as { code: string }).code;
      throw error;
    }
    return required<string>(undefined, "no error");
  },
});
