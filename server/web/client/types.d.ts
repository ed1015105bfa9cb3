// Names for the types of the API that the screens use.
import type { components } from "../sdk/schema.js";

type Schemas = components["schemas"];
export type Collection = Schemas["Collection"];
export type Comment = Schemas["Comment"];
export type Config = Schemas["Config"];
export type Image = Schemas["Image"];
export type LoginSession = Schemas["LoginSession"];
export type Notification = Schemas["Notification"];
export type Post = Schemas["Post"];
export type PostVersion = Schemas["PostVersion"];
export type Preferences = Schemas["NotificationPreferences"];
export type Profile = Schemas["OwnProfile"];
export type PublicProfile = Omit<Schemas["UserProfileWithPosts"], "posts">;
export type RelatedUser = Schemas["RelatedUser"];
export type Relationship = Schemas["Relationship"];
export type Source = Schemas["ImageSource"];
export type UnusedMedia = Schemas["UnusedMedia"];
export type UserCard = Schemas["UserCard"];
