/**
 * The engine as the user names it: an address, a model, and a key from the environment.
 */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import { type AddressFault, engineAddress, httpAddress } from "../campaign/config/httpAddress.ts"
import { engineKey } from "../campaign/parts/engineKey.ts"
import type { EngineOptions } from "../engine/Engine.ts"
import { type CommandError, inputError, orExit } from "./CommandError.ts"

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
          : fault === "query"
          ? `--${flag} must have no query and no fragment, since paths are put behind it; put a key into CAMPAIGN_API_KEY`
          : `--${flag} ${text} is not a URL; expected something like http://127.0.0.1:8000/v1`
      )
  )

/** The engine as its client needs it. */
export const engineOptions = Effect.fnUntraced(function*(options: {
  readonly url: string
  readonly model: string
  readonly maxTokens: number
  readonly keyVariable?: string | null
}): Effect.fn.Return<EngineOptions, CommandError> {
  return {
    baseUrl: yield* orRefuse("engine", options.url, engineAddress(options.url)),
    model: options.model,
    maxTokens: options.maxTokens,
    apiKey: yield* orExit(engineKey(options.url, options.keyVariable ?? null))
  }
})
