// What every tour does, and what it prints for the test.
declare const process: { env: Record<string, string | undefined> };

export const serverUrl = process.env.SERVER_URL ?? "http://localhost:3000";
export const username = process.env.USERNAME_OF_TOUR ?? "ana";
export const password = process.env.PASSWORD_OF_TOUR ?? "correct horse";

export interface Client {
  signIn(username: string, password: string): Promise<void>;
  publish(photo: Blob, caption: string): Promise<{ id: string; caption: string }>;
  like(postId: string): Promise<boolean>;
  page(cursor: string | undefined): Promise<{ ids: string[]; nextCursor: string | null }>;
  codeOfMissingPost(): Promise<string>;
}

export async function run(client: Client): Promise<void> {
  await client.signIn(username, password);
  const photo = await (await fetch(process.env.PHOTO_URL ?? "")).blob();
  const post = await client.publish(photo, "From a generated client");
  const liked = await client.like(post.id);
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.page(cursor);
    ids.push(...page.ids);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  const code = await client.codeOfMissingPost();
  console.log(JSON.stringify({ caption: post.caption, liked, ids, code }));
}

export function required<T>(value: T | null | undefined, what: unknown): T {
  if (value === undefined || value === null) throw new Error(`no answer: ${JSON.stringify(what)}`);
  return value;
}
