// Names for the types of the API for staff.
import type { components } from "../sdk/schema.js";

type Schemas = components["schemas"];
export type Appeal = Schemas["Appeal"];
export type CacheState = Schemas["CacheState"];
export type FailedJob = Schemas["FailedJob"];
export type Job = Schemas["Job"];
export type ModerationAction = Schemas["ModerationAction"];
export type Process = Schemas["Process"];
export type Queue = Schemas["JobQueue"];
export type QueueSeries = Schemas["QueueSeries"];
export type ReportCase = Schemas["ReportCase"];
export type Role = Schemas["RoleChange"]["role"];
export type Storage = Schemas["Storage"];
export type UserCard = Schemas["UserCard"];
export type UserSession = Schemas["UserSession"];
