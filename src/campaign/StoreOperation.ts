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
  /** The campaign is there, with all its battles pending. */
  Create: {
    definition: Definition,
    configHash: Schema.NullOr(Schema.String),
    /** In milliseconds since 1970. */
    createdAt: Schema.Finite
  },
  /** It has another definition, with the same battles or more. */
  Extend: { definition: Definition, configHash: Schema.NullOr(Schema.String) },
  /** The next attempt of a battle began. */
  Begin: { battle: Battle, start: AttemptStart },
  /** An attempt ended. */
  Record: { attempt: AttemptRecord },
  /** What was open was ended. */
  Abandon: {},
  /** An engine was another one than before. */
  AddEpoch: { epoch: NewEpoch },
  /** Unscored battles were opened again. */
  Reopen: { selection: Selection },
  /** Pending battles were left without a score. */
  GiveUp: { selection: Selection, reason: Schema.String, only: Schema.NullOr(Schema.Array(Battle)) },
  /** Its user wants something else of it. */
  SetState: { state: CampaignState }
})
export type StoreOperation = typeof StoreOperation.Type
