/**
 * What clients are told when nothing is wrong with their request: the engine has died, has too much to do, or pauses.
 *
 * All are worded as vLLM words them. Neither has a Retry-After; vLLM sends none anywhere.
 */
import { errorBody } from "./ErrorBody.ts"

/** In every stream that is open when the engine dies, and for every request until the server ends, too. */
export const engineDead = errorBody(
  500,
  "InternalServerError",
  "The server had an error while processing your request."
)

export const queueFull = errorBody(
  503,
  "Service Unavailable",
  "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance."
)

/** Inside of a stream its type is another one. */
export const generationPaused = errorBody(
  503,
  "ServiceUnavailableError",
  "Generation is paused. Please retry after it resumes."
)
