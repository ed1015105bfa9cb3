// Names for the types of the API for staff.
import type { components } from "../sdk/schema.js";

type Schemas = components["schemas"];
export type Appeal = Schemas["Appeal"];
export type FailedJob = Schemas["FailedJob"];
export type ModerationAction = Schemas["ModerationAction"];
export type Queue = Schemas["JobQueue"];
export type ReportCase = Schemas["ReportCase"];
