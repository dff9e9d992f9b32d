/**
 * What a file of settings comes to: a campaign's definition but for its id, which whoever begins the campaign gives it.
 *
 * Laws: everything in it may be stored: it holds names of variables and no secret. Every number in it has an origin.
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { Definition } from "../Definition.ts"

export const CampaignSettings = Schema.Struct(Struct.omit(Definition.fields, ["id"]))
export type CampaignSettings = typeof CampaignSettings.Type
