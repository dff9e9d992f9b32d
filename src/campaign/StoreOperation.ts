/**
 * What can be done to a campaign that is kept, one operation each, as it is written into a journal.
 *
 * Each holds all that its effect depends on, also the time, so that doing them again in their order gives the same campaign.
 * As JSON: `Schema.fromJsonString(Schema.toCodecJson(StoreOperation))`.
 */
import * as Schema from "effect/Schema"
import { AttemptRecord } from "./AttemptRecord.ts"
import { Battle } from "./Battle.ts"
import { Definition } from "./Definition.ts"
import { NewEpoch } from "./EngineEpoch.ts"
import { Selection } from "./Selection.ts"
import { AttemptStart, CampaignState } from "./StoredCampaign.ts"

/** An operation that changes a kept campaign; the members of `CampaignStore` say what each does. */
export const StoreOperation = Schema.TaggedUnion({
  Create: {
    definition: Definition,
    configHash: Schema.NullOr(Schema.String),
    /** In milliseconds since 1970. */
    createdAt: Schema.Finite
  },
  Extend: { definition: Definition, configHash: Schema.NullOr(Schema.String) },
  Begin: { battle: Battle, start: AttemptStart },
  Record: { attempt: AttemptRecord },
  Abandon: {},
  AddEpoch: { epoch: NewEpoch },
  Reopen: { selection: Selection },
  GiveUp: { selection: Selection, reason: Schema.String, only: Schema.NullOr(Schema.Array(Battle)) },
  SetState: { state: CampaignState }
})
export type StoreOperation = typeof StoreOperation.Type
