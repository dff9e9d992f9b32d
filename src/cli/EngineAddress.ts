/**
 * The engine as the user names it: an address, a model, and a key from the environment.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import { type AddressFault, engineAddress, httpAddress } from "../campaign/config/httpAddress.ts"
import type { EngineOptions } from "../engine/Engine.ts"
import { type CommandError, inputError } from "./CommandError.ts"

/** The key for the engine: `CAMPAIGN_API_KEY`, else `OPENAI_API_KEY`. Never a flag, never stored. */
const apiKey = Config.Redacted("CAMPAIGN_API_KEY").pipe(
  Config.orElse(() => Config.Redacted("OPENAI_API_KEY")),
  Config.option
)

/** The key in the variable that was named for it, which then has to be there. */
const keyIn = (variable: string) =>
  Config.Redacted(variable).pipe(
    Config.map(Option.some),
    Effect.mapError(() =>
      inputError(`the key of an engine is to be in ${variable}, which is not set: set it, or name another`)
    )
  )

/** An address in its canonical form. Refuses what campaign/config/httpAddress.ts refuses, in one line. */
export const parseUrl = (flag: string, text: string): Effect.Effect<string, CommandError> =>
  orRefuse(flag, text, httpAddress(text))

const orRefuse = (flag: string, text: string, address: Result.Result<string, AddressFault>) =>
  Effect.mapError(
    Effect.fromResult(address),
    (fault) =>
      inputError(
        fault === "credentials"
          ? `--${flag} must not hold a user name or a key; put the key into CAMPAIGN_API_KEY`
          : `--${flag} ${text} is not a URL; expected something like http://127.0.0.1:8000/v1`
      )
  )

/** The engine as its client needs it. */
export const engineOptions = Effect.fnUntraced(function*(options: {
  readonly url: string
  readonly model: string
  readonly maxTokens: number
  readonly keyVariable?: string | null
}): Effect.fn.Return<EngineOptions, CommandError | Config.ConfigError> {
  return {
    baseUrl: yield* orRefuse("engine", options.url, engineAddress(options.url)),
    model: options.model,
    maxTokens: options.maxTokens,
    apiKey: Option.getOrUndefined(yield* typeof options.keyVariable === "string" ? keyIn(options.keyVariable) : apiKey)
  }
})
