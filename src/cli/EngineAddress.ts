/**
 * The engine as the user names it: an address, a model, and a key from the environment.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
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

/**
 * The address in its canonical form: `/v1` is added where there is no path. Refuses what is not an HTTP URL, and
 * credentials inside it, because addresses are stored and shown.
 */
export const parseUrl = (flag: string, text: string): Effect.Effect<string, CommandError> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return Effect.fail(inputError(`--${flag} ${text} is not a URL; expected something like http://127.0.0.1:8000/v1`))
  }
  if (url.username !== "" || url.password !== "") {
    return Effect.fail(inputError(`--${flag} must not hold a user name or a key; put the key into CAMPAIGN_API_KEY`))
  }
  return Effect.succeed(url.href)
}

/** The engine's API address: `/v1` is where an OpenAI-compatible server has it when the URL names no path. */
export const engineOptions = Effect.fnUntraced(function*(options: {
  readonly url: string
  readonly model: string
  readonly maxTokens: number
  readonly keyVariable?: string | null
}): Effect.fn.Return<EngineOptions, CommandError | Config.ConfigError> {
  const url = new URL(yield* parseUrl("engine", options.url))
  if (url.pathname === "/") url.pathname = "/v1"
  return {
    baseUrl: url.href.replace(/\/$/, ""),
    model: options.model,
    maxTokens: options.maxTokens,
    apiKey: Option.getOrUndefined(yield* typeof options.keyVariable === "string" ? keyIn(options.keyVariable) : apiKey)
  }
})
