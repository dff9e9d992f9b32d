/** Where the campaign of a file stands, for verbs that are about a campaign that exists. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as CampaignStatus from "../campaign/CampaignStatus.ts"
import { inputError } from "./CommandError.ts"

/** Fails where the file cannot be read or holds no campaign. */
export const read = (file: string) =>
  Effect.flatMap(
    CampaignStatus.read(file),
    Option.match({
      onSome: Effect.succeed,
      onNone: () => Effect.fail(inputError(`${file} holds no campaign; name the file of one with --db`))
    })
  )
