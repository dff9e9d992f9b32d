/**
 * Where the key of an engine is: in a variable of the environment, never in a definition or a store.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { engineError, orUnusable } from "../CampaignError.ts"

const common = Config.Redacted("CAMPAIGN_API_KEY").pipe(
  Config.orElse(() => Config.Redacted("OPENAI_API_KEY")),
  Config.option
)

/**
 * The key in the variable that was named for it, which then has to be there; without a name that of `CAMPAIGN_API_KEY`, else
 * `OPENAI_API_KEY`, or none. `name` is the engine's.
 */
export const engineKey = Effect.fnUntraced(function*(name: string, variable: string | null) {
  const ofEngine = (detail: string) => engineError(name, detail)
  const key: Option.Option<Redacted.Redacted> = variable === null
    ? yield* orUnusable(ofEngine)(Effect.gen(function*() {
      return yield* common
    }))
    : yield* Effect.gen(function*() {
      return yield* Config.map(Config.Redacted(variable), Option.some)
    }).pipe(
      Effect.mapError(() =>
        ofEngine(`the key of an engine is to be in ${variable}, which is not set: set it, or name another`)
      )
    )
  return Option.getOrUndefined(key)
})
