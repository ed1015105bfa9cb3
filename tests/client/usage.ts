// Typical code of a client application. It is compiled, not run. Each `@ts-expect-error` marks a mistake that the
// generated types must detect.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Post = components["schemas"]["Post"];
type Problem = components["schemas"]["Problem"];

const api = createClient<paths>({ baseUrl: "http://localhost:3000" });

export async function signUp(username: string, email: string, password: string): Promise<string> {
  const { data, error } = await api.POST("/auth/register", { body: { username, email, password } });
  if (error) throw new Error(explain(error));
  api.use({
    onRequest: ({ request }) => request.headers.set("Authorization", `Bearer ${data.accessToken}`),
  });
  return data.user.id;
}

export async function signIn(username: string, password: string, askForCode: () => string): Promise<string> {
  const { data, error } = await api.POST("/auth/login", { body: { username, password } });
  if (error) throw new Error(explain(error));
  if (!("secondFactor" in data)) return data.accessToken;
  const body = { challenge: data.secondFactor.challenge, code: askForCode() };
  const verified = await api.POST("/auth/second-factor/verify", { body });
  if (verified.error) throw new Error(explain(verified.error));
  return verified.data.accessToken;
}

export async function publish(photo: Blob, altText: string): Promise<Post | undefined> {
  const { data, response } = await api.POST("/posts", {
    body: { images: [], altTexts: [altText], caption: "The last light" },
    bodySerializer: (body) => {
      const form = new FormData();
      form.append("images", photo, "photo.jpg");
      if ("altTexts" in body) for (const text of body.altTexts ?? []) form.append("altTexts", text);
      form.append("caption", body.caption ?? "");
      return form;
    },
  });
  const location: string | null = response.headers.get("Location");
  return location === null ? undefined : data;
}

export async function publishUploaded(mediaIds: string[], caption: string): Promise<Post | undefined> {
  const { data } = await api.POST("/posts", { body: { mediaIds, caption } });
  return data;
}

export async function* feed(): AsyncGenerator<Post> {
  let cursor: string | null = null;
  do {
    const page: { items: Post[]; nextCursor: string | null } | undefined = (
      await api.GET("/feed", { params: { query: { limit: 50, ...(cursor === null ? {} : { cursor }) } } })
    ).data;
    yield* page?.items ?? [];
    cursor = page?.nextCursor ?? null;
  } while (cursor !== null);
}

export async function answer(post: Post, content: string): Promise<boolean> {
  const params = { path: { postId: post.id } };
  await api.POST("/posts/{postId}/comments", { params, body: { content } });
  const { data } = await api.POST("/posts/{postId}/likes", { params });
  return data?.liked ?? false;
}

export async function describeNotifications(): Promise<string[]> {
  const { data } = await api.GET("/notifications", {});
  return (data?.items ?? []).map(({ type, actor }) => {
    switch (type) {
      case "like":
      case "comment_like":
      case "comment":
      case "reply":
      case "follow":
      case "mention":
      case "follow_request":
      case "follow_accepted":
        return `${actor.username}: ${type}`;
      case "moderation":
      case "report_handled":
        return type;
      default: // the type of a later version
        return `${actor.username}: something new`;
    }
  });
}

function explain(problem: Problem): string {
  const fields = Object.entries(problem.errors ?? {}).map(([name, texts]) => `${name}: ${texts.join(" ")}`);
  return [`${problem.status} ${problem.code}: ${problem.detail}`, ...fields].join("\n");
}

export async function compileErrors(post: Post): Promise<void> {
  // @ts-expect-error - unknown route
  await api.GET("/postz", {});
  // @ts-expect-error - a required member is missing
  await api.POST("/auth/login", { body: { username: "ana" } });
  // @ts-expect-error - users cannot set their own role
  const change: components["schemas"]["EditProfileBody"] = { role: "admin" };
  // @ts-expect-error - ids are strings
  await api.GET("/posts/{postId}", { params: { path: { postId: 1 } } });
  // @ts-expect-error - the avatar may be null
  const address: string = post.author.avatarUrl;
  void [change, address];
}
