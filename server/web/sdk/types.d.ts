// Types of the client, derived from schema.d.ts, which openapi-typescript generates from the server's document.
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type SignedIn = Schemas["SignedIn"];
export type TokenPair = Schemas["TokenPair"];
export type SignInChallenge = Schemas["SignInChallenge"];
export type Registration = Schemas["RegisterBody"];
export type Credentials = Omit<Schemas["LoginBody"], "deviceToken">;
export type UnusedMedia = Schemas["UnusedMedia"];
export type RegisterDevice = Schemas["RegisterDeviceBody"];
export type Passkey = Schemas["Passkey"];

export type Fetch = typeof globalThis.fetch;

/** What `localStorage` has; values survive as long as the storage wants. */
export interface SessionStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** An event of the live stream. `id` is null for what is not repeated after a disconnect. */
export interface StreamEvent {
  type: string;
  id: string | null;
  data: any;
}

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that have an operation with this method. */
export type PathWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths] &
  string;

type Operation<P, M extends Method> = P extends keyof paths ? paths[P][M] : never;
type Parameters<O, In extends "path" | "query"> = O extends { parameters: infer A }
  ? In extends keyof A
    ? Exclude<A[In], undefined>
    : never
  : never;
type Body<O> = O extends { requestBody?: { content: infer C } } ? BodyOf<C> : never;
type BodyOf<C> =
  | (C extends { "application/json": infer B } ? B : never)
  | (Exclude<keyof C, "application/json"> extends never ? never : FormData | Blob);

interface Common {
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** False for a call without an access token. */
  authenticated?: boolean;
}

export type CallOptions<P, M extends Method> = Common &
  ([Parameters<Operation<P, M>, "path">] extends [never]
    ? { path?: undefined }
    : { path: Parameters<Operation<P, M>, "path"> }) &
  ([Parameters<Operation<P, M>, "query">] extends [never]
    ? { query?: undefined }
    : { query?: Parameters<Operation<P, M>, "query"> }) &
  ([Body<Operation<P, M>>] extends [never]
    ? { body?: undefined }
    : Operation<P, M> extends { requestBody: object }
      ? { body: Body<Operation<P, M>> }
      : { body?: Body<Operation<P, M>> });

/** The options, which are required if one of them is, such as a parameter of the path. */
export type CallArguments<P, M extends Method> =
  {} extends CallOptions<P, M> ? [options?: CallOptions<P, M>] : [options: CallOptions<P, M>];

export interface AnyOptions extends Common {
  path?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
}

type Success = 200 | 201 | 202 | 204;
type JsonOf<R> = R extends { content: { "application/json": infer B } } ? B : undefined;

/** The JSON of a successful answer. */
export type Answer<P, M extends Method> =
  Operation<P, M> extends { responses: infer R }
    ? { [S in keyof R & Success]: JsonOf<R[S]> }[keyof R & Success]
    : never;

/** The paths of lists. */
export type ListPath = {
  [P in PathWith<"get">]: Answer<P, "get"> extends { items: unknown[]; nextCursor: string | null } ? P : never;
}[PathWith<"get">];

export type Page<P extends ListPath> = Answer<P, "get">;
export type Item<P extends ListPath> = Page<P> extends { items: (infer I)[] } ? I : never;
